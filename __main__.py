"""The pipeline, in the order an image takes through it; then who may do what; then the code that does it."""

from functools import partial
from pathlib import Path

import infra
from infra import Role

infra.drop_version_aliases()
settings = infra.Settings.load()
foundation = infra.Foundation("foundation", settings=settings)
place, identity, sizing = foundation.place, foundation.identity, settings.sizing
telemetry = infra.Telemetry("telemetry", place=place, retention_days=settings.log_retention_days)
host = infra.HostStorage("host", place=place)
images = infra.ImageStorage("images", place=place, retention_days=settings.image_retention_days,
                            copies=settings.copy_classified)  # fmt: skip
topic = infra.ImageTopic("topic", place=place, source=images)
analyzer = infra.analyzer("vision", place=place, settings=settings)
records = infra.Records("records", place=place, sizing=sizing, cache_days=settings.cache_days,
                        retention_days=settings.record_retention_days, vectors=settings.vectors)  # fmt: skip
results = infra.ResultsTopic("results", place=place) if settings.publish_results else None
services = [host, images, analyzer, records, *([results] if results else [])]
network = infra.PrivateNetwork("network", place=place, address_space=settings.address_space,
    doors=[door for service in services for door in service.doors]) if settings.private else None  # fmt: skip

function, events, users = foundation.function, topic.principal, [*map(infra.principal_from_setting, settings.uploaders)]
role = partial(infra.custom_role, place.names, within=foundation.scope)
analyst, worker = role("image-analyst", analyzer.actions, also=analyzer.groups), role("queue-worker", infra.WORK_QUEUE)
uploader, clerk = role("image-uploader", infra.UPLOAD_IMAGES), role("dead-letter-clerk", infra.CLEAR_DEAD_LETTERS)
definitions = [custom.definition for custom in (analyst, worker, uploader, clerk)]
custom_roles = infra.RoleDefinitionDelay(
    "custom-roles-delay", definitions=definitions, seconds=settings.role_definition_replication_seconds
)
grant = partial(infra.grant, place.names, custom_roles=custom_roles)
grants = [
    grant(function, Role.STORAGE_BLOB_DATA_OWNER, on=host.scope),
    grant(function, Role.STORAGE_BLOB_DATA_READER, on=images.images_scope),
    grant(function, clerk, on=images.deadletter_scope),
    *(grant(function, Role.STORAGE_BLOB_DATA_CONTRIBUTOR, on=copies) for copies in images.copies_scopes),
    grant(function, Role.STORAGE_QUEUE_DATA_READER, on=images.queue_scope),
    grant(function, worker, on=images.queue_scope),
    grant(function, Role.STORAGE_QUEUE_DATA_MESSAGE_PROCESSOR, on=images.poison_scope),
    grant(function, Role.STORAGE_QUEUE_DATA_MESSAGE_SENDER, on=images.poison_scope),
    *(grant(function, analyst, on=account) for account in analyzer.scopes),
    *(grant(function, Role.EVENTGRID_DATA_SENDER, on=announced.scope) for announced in [results] if announced),
    grant(function, Role.MONITORING_METRICS_PUBLISHER, on=telemetry.scope),
    grant(events, Role.STORAGE_QUEUE_DATA_MESSAGE_SENDER, on=images.queue_scope),
    grant(events, Role.STORAGE_BLOB_DATA_CONTRIBUTOR, on=images.deadletter_scope),
    *(grant(user, uploader, on=images.images_scope) for user in users),
    *records.allow([function], infra.WRITE_RECORDS, on=[records.images, records.analyses], role="writer"),
    *records.allow(users, infra.READ_RECORDS, on=[records.images], role="reader"),
]
in_force = infra.Propagation(
    "grants-in-force",
    grants=grants,
    definitions=[*definitions, *records.definitions],
    seconds=settings.role_propagation_seconds,
)

infra.ImageRoute("route", place=place, topic=topic, storage=images, deletions_only=settings.scheduled, after=[in_force])
told = infra.code_settings(settings, identity, images, analyzer, records, results)
app = infra.FunctionApp("app", place=place, identity=identity, host=host, telemetry=telemetry, network=network,
                        sizing=sizing, settings=told, after=[in_force])  # fmt: skip
bundle = infra.build(Path("functions/pipeline"), Path(".build"))
functions = ["backfill", "classify", "reconcile", "redrive"]
release = infra.Release("release", app=app, bundle=bundle, functions=functions)
infra.Operations("operations", place=place, group=foundation.scope, telemetry=telemetry, topic=topic, records=records,
                 sources=[source for service in [topic, *services] for source in service.sources],
                 email=settings.alert_email, monthly_budget=settings.monthly_budget)  # fmt: skip
infra.export(images=images, records=records, app=app, release=release, settings=settings)
