"""The pipeline, in the order an image takes through it; then who may do what; then the code that does it."""

from functools import partial
from pathlib import Path

import infra
from infra import READ_RECORDS, WRITE_RECORDS, Role

infra.drop_version_aliases()
settings = infra.Settings.load()
sizing = settings.sizing
foundation = infra.Foundation("foundation", settings=settings)
place, identity = foundation.place, foundation.identity
telemetry = infra.Telemetry("telemetry", place=place, retention_days=settings.log_retention_days)
host = infra.HostStorage("host", place=place)
images = infra.ImageStorage("images", place=place, retention_days=settings.image_retention_days)
topic = infra.ImageTopic("topic", place=place, source=images)
vision = infra.VisionPool("vision", place=place, count=sizing.vision_accounts)
records = infra.Records(
    "records", place=place, autoscale_max_ru=sizing.max_ru, cache_days=settings.cache_days,
    retention_days=settings.record_retention_days,
)  # fmt: skip
doors = [*host.doors, *images.doors, *vision.doors, *records.doors]
network = None
if settings.private:
    network = infra.PrivateNetwork("network", place=place, address_space=settings.address_space, doors=doors)

function, events, users = foundation.function, topic.principal, [*map(infra.user, settings.uploaders)]
grant, role = partial(infra.grant, place.names), partial(infra.custom_role, place.names, within=foundation.scope)
analyst, uploader = role("image-analyst", infra.ANALYZE_IMAGES), role("image-uploader", infra.UPLOAD_IMAGES)
grants = [
    grant(function, Role.STORAGE_BLOB_DATA_OWNER, on=host.scope),
    grant(function, Role.STORAGE_BLOB_DATA_READER, on=images.images_scope),
    grant(function, Role.STORAGE_QUEUE_DATA_READER, on=images.queue_scope),
    grant(function, Role.STORAGE_QUEUE_DATA_MESSAGE_PROCESSOR, on=images.queue_scope),
    grant(function, Role.STORAGE_QUEUE_DATA_MESSAGE_SENDER, on=images.poison_scope),
    *(grant(function, analyst, on=account) for account in vision.scopes),
    grant(function, Role.MONITORING_METRICS_PUBLISHER, on=telemetry.scope),
    grant(events, Role.STORAGE_QUEUE_DATA_MESSAGE_SENDER, on=images.queue_scope),
    grant(events, Role.STORAGE_BLOB_DATA_CONTRIBUTOR, on=images.deadletter_scope),
    *(grant(user, uploader, on=images.images_scope) for user in users),
    *records.allow([function], WRITE_RECORDS, on=[records.images, records.analyses], role="writer"),
    *records.allow(users, READ_RECORDS, on=[records.images], role="reader"),
]
in_force = infra.Propagation("grants-in-force", grants=grants, seconds=settings.role_propagation_seconds)

infra.ImageRoute("route", place=place, topic=topic, storage=images, after=[in_force])
app = infra.FunctionApp(
    "app", place=place, identity=identity, host=host, telemetry=telemetry, network=network, sizing=sizing,
    settings=infra.code_settings(settings, identity=identity, images=images, vision=vision, records=records),
    after=[in_force],
)  # fmt: skip
bundle = infra.build(Path("functions"), Path(".build"))
release = infra.Release("release", app=app, bundle=bundle, functions=["classify"])
infra.Operations(
    "operations", place=place, group=foundation.scope, telemetry=telemetry, topic=topic, records=records,
    sources=[*host.sources, *images.sources, *topic.sources, *vision.sources, *records.sources],
    email=settings.alert_email, monthly_budget=settings.monthly_budget,
)  # fmt: skip
infra.export(images=images, records=records, app=app, release=release, sizing=sizing)
