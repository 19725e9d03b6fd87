"""The pipeline, in the order an image takes through it; then who may do what; then the code that does it."""

from pathlib import Path

import pulumi
from pulumi_azure_native import authorization

from infra.app import FunctionApp, code_settings
from infra.bundle import build
from infra.database import READ_RECORDS, WRITE_RECORDS, Records
from infra.events import ImageRoute, ImageTopic
from infra.foundation import Foundation
from infra.naming import Names
from infra.propagation import Propagation
from infra.release import Release
from infra.roles import Principal, Role, grant
from infra.settings import Settings
from infra.storage import HostStorage, ImageStorage
from infra.telemetry import Telemetry
from infra.vision import Vision

settings = Settings.load()
stack = pulumi.get_stack()
names = Names(
    prefix=settings.name_prefix, stack=stack, subscription_id=authorization.get_client_config().subscription_id
)
tags = {"application": pulumi.get_project(), "environment": stack, **settings.tags}

foundation = Foundation("foundation", names=names, location=settings.location, tags=tags)
place, identity, function = foundation.place, foundation.identity, foundation.function
telemetry = Telemetry("telemetry", place=place, retention_days=settings.log_retention_days)
host = HostStorage("host", place=place)
images = ImageStorage("images", place=place)
topic = ImageTopic("topic", place=place, source=images)
vision = Vision("vision", place=place)
records = Records("records", place=place, autoscale_max_ru=settings.autoscale_max_ru, cache_days=settings.cache_days)
users = [
    Principal(name=f"user-{object_id}", object_id=object_id, kind=authorization.PrincipalType.USER)
    for object_id in settings.uploaders
]

grants = [
    grant(names, function, Role.STORAGE_BLOB_DATA_OWNER, on=host.scope),
    grant(names, function, Role.STORAGE_BLOB_DATA_READER, on=images.images_scope),
    grant(names, function, Role.STORAGE_QUEUE_DATA_READER, on=images.queue_scope),
    grant(names, function, Role.STORAGE_QUEUE_DATA_MESSAGE_PROCESSOR, on=images.queue_scope),
    grant(names, function, Role.STORAGE_QUEUE_DATA_MESSAGE_SENDER, on=images.poison_scope),
    grant(names, function, Role.COGNITIVE_SERVICES_USER, on=vision.scope),
    grant(names, function, Role.MONITORING_METRICS_PUBLISHER, on=telemetry.scope),
    grant(names, topic.principal, Role.STORAGE_QUEUE_DATA_MESSAGE_SENDER, on=images.queue_scope),
    grant(names, topic.principal, Role.STORAGE_BLOB_DATA_CONTRIBUTOR, on=images.deadletter_scope),
    *(grant(names, user, Role.STORAGE_BLOB_DATA_CONTRIBUTOR, on=images.images_scope) for user in users),
    *records.allow([function], WRITE_RECORDS, on=[records.images, records.analyses], role="record-writer"),
    *records.allow(users, READ_RECORDS, on=[records.images], role="record-reader"),
]
in_force = Propagation(
    "grants-in-force", assignments=[entry.id for entry in grants], seconds=settings.role_propagation_seconds
)

route = ImageRoute("route", place=place, topic=topic, storage=images, after=[in_force])
app = FunctionApp(
    "app",
    place=place,
    identity=identity,
    host=host,
    telemetry=telemetry,
    settings=code_settings(
        identity=identity,
        images=images,
        vision=vision,
        records=records,
        features=settings.features,
        min_confidence=settings.min_confidence,
    ),
    maximum_instances=settings.maximum_instances,
    after=[in_force],
)
release = Release(
    "release",
    site_id=app.site.id,
    scm_host=app.scm_host,
    bundle=build(Path("functions"), Path(".build")),
    functions=["classify"],
)

pulumi.export("imagesEndpoint", images.blob_endpoint)
pulumi.export("imagesContainer", images.images.name)
pulumi.export("recordsEndpoint", records.endpoint)
pulumi.export("recordsDatabase", records.database.name)
pulumi.export("recordsContainer", records.images.name)
pulumi.export("functionApp", app.site.name)
pulumi.export("release", release.sha256)
