"""The pipeline, in the order an image takes through it; then who may do what; then the code that does it."""

from functools import partial
from pathlib import Path

import pulumi

import infra
from infra import READ_RECORDS, WRITE_RECORDS, Role

settings = infra.Settings.load()
foundation = infra.Foundation("foundation", settings=settings)
place, identity = foundation.place, foundation.identity
telemetry = infra.Telemetry("telemetry", place=place, retention_days=settings.log_retention_days)
host = infra.HostStorage("host", place=place)
images = infra.ImageStorage("images", place=place)
topic = infra.ImageTopic("topic", place=place, source=images)
sizing = settings.sizing
vision = infra.VisionPool("vision", place=place, count=sizing.vision_accounts)
records = infra.Records("records", place=place, autoscale_max_ru=sizing.max_ru, cache_days=settings.cache_days)

function, events = foundation.function, topic.principal
users = [infra.user(object_id) for object_id in settings.uploaders]
grant = partial(infra.grant, place.names)
grants = [
    grant(function, Role.STORAGE_BLOB_DATA_OWNER, on=host.scope),
    grant(function, Role.STORAGE_BLOB_DATA_READER, on=images.images_scope),
    grant(function, Role.STORAGE_QUEUE_DATA_READER, on=images.queue_scope),
    grant(function, Role.STORAGE_QUEUE_DATA_MESSAGE_PROCESSOR, on=images.queue_scope),
    grant(function, Role.STORAGE_QUEUE_DATA_MESSAGE_SENDER, on=images.poison_scope),
    *(grant(function, Role.COGNITIVE_SERVICES_USER, on=account) for account in vision.scopes),
    grant(function, Role.MONITORING_METRICS_PUBLISHER, on=telemetry.scope),
    grant(events, Role.STORAGE_QUEUE_DATA_MESSAGE_SENDER, on=images.queue_scope),
    grant(events, Role.STORAGE_BLOB_DATA_CONTRIBUTOR, on=images.deadletter_scope),
    *(grant(user, Role.STORAGE_BLOB_DATA_CONTRIBUTOR, on=images.images_scope) for user in users),
    *records.allow([function], WRITE_RECORDS, on=[records.images, records.analyses], role="record-writer"),
    *records.allow(users, READ_RECORDS, on=[records.images], role="record-reader"),
]
in_force = infra.Propagation("grants-in-force", grants=grants, seconds=settings.role_propagation_seconds)

route = infra.ImageRoute("route", place=place, topic=topic, storage=images, after=[in_force])
code = infra.code_settings(settings, identity=identity, images=images, vision=vision, records=records)
app = infra.FunctionApp(
    "app", place=place, identity=identity, host=host, telemetry=telemetry, settings=code,
    sizing=sizing, after=[in_force],
)  # fmt: skip
bundle = infra.build(Path("functions"), Path(".build"))
release = infra.Release("release", app=app, bundle=bundle, functions=["classify"])

pulumi.export("imagesEndpoint", images.blob_endpoint)
pulumi.export("imagesContainer", images.images.name)
pulumi.export("recordsEndpoint", records.endpoint)
pulumi.export("recordsDatabase", records.database.name)
pulumi.export("recordsContainer", records.images.name)
pulumi.export("functionApp", app.site.name)
pulumi.export("release", release.sha256)
pulumi.export("sizing", sizing.table())
