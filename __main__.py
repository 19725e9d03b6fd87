"""Image classification on Azure: Blob Storage → Event Grid → Storage queue → Function App → AI Vision → Cosmos DB.

The sections are the boxes of the diagram in docs/architecture.md. What relies on role assignments is created after them
and after their delay; the policy pack (policy/order.py) refuses any other order at preview.
"""

import gc
from pathlib import Path

from pulumi import Input, ResourceOptions

import infra
from infra import BuiltInRole

# The program ends within seconds; searching azure-native's many objects for garbage takes a tenth of them.
gc.disable()
infra.drop_version_aliases()
settings = infra.Settings.load()
sizing = settings.sizing

# --- Resource group, telemetry, and what the function app needs: identity and host storage
names = infra.derive_names(prefix=settings.name_prefix)
tags = infra.derive_tags(settings.tags)
resource_group = infra.ResourceGroup("resource-group", names=names, location=settings.location, tags=tags)
context = infra.DeploymentContext(
    names=names,
    location=settings.location,
    resource_group_name=resource_group.group.name,
    tags=tags,
    private_networking=settings.private_networking,
    protect_data=settings.protect_data,
    zone_redundant=settings.zone_redundant,
    cosmos_zone_redundant=settings.cosmos_zone_redundant,
)
telemetry = infra.Telemetry("telemetry", context=context, retention_days=settings.log_retention_days)
function_identity = infra.FunctionIdentity("function", context=context)
host_storage = infra.HostStorage("host", context=context)
api_prerequisites = None
if settings.sign_in != "none":
    api_prerequisites = infra.AppPrerequisites("api-function", context=context, label="api")

# --- Ingestion: uploads raise blob events
image_storage = infra.ImageStorage(
    "images",
    context=context,
    retention_days=settings.image_retention_days,
    copy_classified=settings.copy_classified,
)
blob_event_topic = infra.BlobEventTopic(
    "blob-event-topic", context=context, storage_account_id=image_storage.account.id
)

# --- Analysis: Vision accounts of the stack, an existing Custom Vision project, or a model of Foundry
analyzer = infra.create_analyzer(settings.analyzer, settings, context=context)
retained_analyzers = [infra.create_analyzer(name, settings, context=context) for name in settings.retained_analyzers]

# --- Shadow: a successor analyzes a sample of the images, with a queue and accounts of its own
shadow_analyzer = shadow_queue = None
if settings.shadow is not None:
    shadow_analyzer = infra.create_analyzer(settings.shadow.analyzer, settings, context=context).without_metrics()
    shadow_queue = infra.ShadowQueue("images-shadow", context=context, account=image_storage.account)

# --- Results: records in Cosmos DB, and events for subscribers
database = infra.CosmosDatabase(
    "records",
    context=context,
    images_max_ru=sizing.images.max_ru,
    analyses_max_ru=sizing.analyses.max_ru,
    analysis_retention_days=settings.cache_days,
    record_retention_days=settings.record_retention_days,
    vector_search=settings.stores_embeddings,
    comparisons=settings.shadow is not None,
)
result_topic = None
if settings.publish_results:
    result_topic = infra.ResultTopic("results", context=context)

# --- Network: private endpoints for every service
azure_services: list[infra.AzureService] = [host_storage, image_storage, analyzer, *retained_analyzers, database]
if shadow_analyzer is not None:
    azure_services.append(shadow_analyzer)
if result_topic is not None:
    azure_services.append(result_topic)
if api_prerequisites is not None:
    azure_services.append(api_prerequisites)
network = None
if settings.private_networking:
    network = infra.PrivateNetwork(
        "network",
        context=context,
        address_space=settings.address_space,
        private_link_targets=[target for service in azure_services for target in service.private_link_targets],
    )

# --- Access: custom roles
vision_caller = None
if analyzer.built_in_role is None:
    vision_caller = infra.CustomRoleDefinition(
        "vision-caller",
        context=context,
        title="Vision Caller",
        data_actions=analyzer.data_actions,
        scope=resource_group.scope,
        more_assignable_scopes=analyzer.resource_group_ids,
    )
queue_processor = infra.CustomRoleDefinition(
    "queue-processor",
    context=context,
    title="Queue Processor",
    data_actions=infra.QUEUE_PROCESSOR_DATA_ACTIONS,
    scope=resource_group.scope,
)
image_uploader = infra.CustomRoleDefinition(
    "image-uploader",
    context=context,
    title="Image Uploader",
    data_actions=infra.IMAGE_UPLOADER_DATA_ACTIONS,
    scope=resource_group.scope,
)
dead_letter_processor = infra.CustomRoleDefinition(
    "dead-letter-processor",
    context=context,
    title="Dead Letter Processor",
    data_actions=infra.DEAD_LETTER_PROCESSOR_DATA_ACTIONS,
    scope=resource_group.scope,
)
shadow_caller = None
if shadow_analyzer is not None and shadow_analyzer.built_in_role is None:
    shadow_caller = infra.CustomRoleDefinition(
        "shadow-caller",
        context=context,
        title="Shadow Caller",
        data_actions=shadow_analyzer.data_actions,
        scope=resource_group.scope,
    )
image_creator = image_deleter = text_vectorizer = None
if api_prerequisites is not None:
    image_creator = infra.CustomRoleDefinition(
        "image-creator",
        context=context,
        title="Image Creator",
        data_actions=infra.IMAGE_CREATOR_DATA_ACTIONS,
        scope=resource_group.scope,
    )
    image_deleter = infra.CustomRoleDefinition(
        "image-deleter",
        context=context,
        title="Image Deleter",
        data_actions=infra.IMAGE_DELETER_DATA_ACTIONS,
        scope=resource_group.scope,
    )
    if settings.stores_embeddings:
        text_vectorizer = infra.CustomRoleDefinition(
            "text-vectorizer",
            context=context,
            title="Text Vectorizer",
            data_actions=infra.TEXT_VECTORIZER_DATA_ACTIONS,
            scope=resource_group.scope,
        )
custom_roles = [
    vision_caller,
    queue_processor,
    image_uploader,
    dead_letter_processor,
    shadow_caller,
    image_creator,
    image_deleter,
    text_vectorizer,
]
role_definitions = [role.definition for role in custom_roles if role is not None]
role_definition_delay = infra.RoleDefinitionDelay(
    "role-definition-delay",
    role_definitions=role_definitions,
    seconds=settings.role_definition_replication_seconds,
)

# --- Access: function app
function_access = infra.RoleAssignments(
    "function-access",
    context=context,
    principal=function_identity.principal,
    role_definition_delay=role_definition_delay,
)
function_access.assign(BuiltInRole.STORAGE_BLOB_DATA_OWNER, host_storage.account_scope)
function_access.assign(BuiltInRole.STORAGE_BLOB_DATA_READER, image_storage.images_scope)
if image_deleter is not None:
    function_access.assign(image_deleter, image_storage.images_scope)
function_access.assign(dead_letter_processor, image_storage.dead_letters_scope)
if image_storage.copies_scope is not None:
    function_access.assign(BuiltInRole.STORAGE_BLOB_DATA_CONTRIBUTOR, image_storage.copies_scope)
function_access.assign(BuiltInRole.STORAGE_QUEUE_DATA_READER, image_storage.queue_scope)
function_access.assign(queue_processor, image_storage.queue_scope)
function_access.assign(BuiltInRole.STORAGE_QUEUE_DATA_MESSAGE_PROCESSOR, image_storage.poison_queue_scope)
function_access.assign(BuiltInRole.STORAGE_QUEUE_DATA_MESSAGE_SENDER, image_storage.poison_queue_scope)
analyzer_role = analyzer.built_in_role or vision_caller
if analyzer_role is not None:
    for vision_scope in analyzer.scopes:
        function_access.assign(analyzer_role, vision_scope)
if shadow_analyzer is not None and shadow_queue is not None:
    function_access.assign(BuiltInRole.STORAGE_QUEUE_DATA_READER, shadow_queue.scope)
    function_access.assign(queue_processor, shadow_queue.scope)
    function_access.assign(BuiltInRole.STORAGE_QUEUE_DATA_MESSAGE_PROCESSOR, shadow_queue.poison_scope)
    function_access.assign(BuiltInRole.STORAGE_QUEUE_DATA_MESSAGE_SENDER, shadow_queue.poison_scope)
    shadow_role = shadow_analyzer.built_in_role or shadow_caller
    if shadow_role is not None:
        for shadow_scope in shadow_analyzer.scopes:
            function_access.assign(shadow_role, shadow_scope)
if result_topic is not None:
    function_access.assign(BuiltInRole.EVENTGRID_DATA_SENDER, result_topic.scope)
function_access.assign(BuiltInRole.MONITORING_METRICS_PUBLISHER, telemetry.insights_scope)

# --- Access: API app
role_assignments = [*function_access.assignments]
if api_prerequisites is not None:
    api_access = infra.RoleAssignments(
        "api-access",
        context=context,
        principal=api_prerequisites.identity.principal,
        role_definition_delay=role_definition_delay,
    )
    api_access.assign(BuiltInRole.STORAGE_BLOB_DATA_OWNER, api_prerequisites.host_storage.account_scope)
    api_access.assign(BuiltInRole.STORAGE_BLOB_DELEGATOR, image_storage.account_scope)
    api_access.assign(BuiltInRole.STORAGE_BLOB_DATA_READER, image_storage.images_scope)
    if image_creator is not None:
        api_access.assign(image_creator, image_storage.images_scope)
    if text_vectorizer is not None:
        for vision_scope in analyzer.scopes:
            api_access.assign(text_vectorizer, vision_scope)
    api_access.assign(BuiltInRole.MONITORING_METRICS_PUBLISHER, telemetry.insights_scope)
    role_assignments += api_access.assignments

# --- Access: Event Grid
event_grid_access = infra.RoleAssignments("event-grid-access", context=context, principal=blob_event_topic.principal)
event_grid_access.assign(BuiltInRole.STORAGE_QUEUE_DATA_MESSAGE_SENDER, image_storage.queue_scope)
event_grid_access.assign(BuiltInRole.STORAGE_BLOB_DATA_CONTRIBUTOR, image_storage.dead_letters_scope)

# --- Access: uploaders
uploaders = [infra.Principal.from_setting(uploader) for uploader in settings.uploaders]
role_assignments += event_grid_access.assignments
for uploader in uploaders:
    uploader_access = infra.RoleAssignments(
        f"{uploader.name}-access",
        context=context,
        principal=uploader,
        role_definition_delay=role_definition_delay,
    )
    uploader_access.assign(image_uploader, image_storage.images_scope)
    role_assignments += uploader_access.assignments

# --- Access: records, by Cosmos DB's own roles
database.assign_data_role(
    "writer",
    data_actions=infra.RECORD_WRITER_DATA_ACTIONS,
    principals=[function_identity.principal],
    containers=[database.images, database.analyses],
)
record_readers = [function_identity.principal]
if api_prerequisites is not None:
    record_readers.append(api_prerequisites.identity.principal)
database.assign_data_role(
    "query",
    data_actions=infra.RECORD_QUERY_DATA_ACTIONS,
    principals=record_readers,
    containers=[database.images],
)
database.assign_data_role(
    "reader",
    data_actions=infra.RECORD_READER_DATA_ACTIONS,
    principals=uploaders,
    containers=[database.images],
)

if database.comparisons is not None:
    database.assign_data_role(
        "comparison-writer",
        data_actions=infra.COMPARISON_WRITER_DATA_ACTIONS,
        principals=[function_identity.principal],
        containers=[database.comparisons],
    )
    database.assign_data_role(
        "comparison-query",
        data_actions=infra.RECORD_QUERY_DATA_ACTIONS,
        principals=[infra.Principal.from_setting(operator) for operator in settings.operators],
        containers=[database.comparisons],
    )

# --- Sign-in: app registration of the API
api_client_id: Input[str] | None = settings.api_application_id
api_registration = None
if settings.sign_in == "create":
    api_registration = infra.ApiRegistration(
        "api",
        context=context,
        assignees=infra.derive_app_role_assignees(
            readers=settings.readers, uploaders=settings.uploaders, operators=settings.operators
        ),
    )
    api_client_id = api_registration.client_id

# --- Access: wait until the role assignments are effective
role_assignment_delay = infra.RoleAssignmentDelay(
    "role-assignment-delay",
    role_assignments=[*role_assignments, *database.role_assignments],
    role_definitions=[*role_definitions, *database.role_definitions],
    seconds=settings.role_propagation_seconds,
)

# --- Delivery: blob events to the queue
infra.BlobEventSubscription(
    "blob-event-subscription",
    context=context,
    topic=blob_event_topic,
    storage=image_storage,
    deletions_only=settings.scheduled,
    opts=ResourceOptions(depends_on=[role_assignment_delay]),
)

# --- Function app and its code
analyzers = [analyzer, *retained_analyzers]
if shadow_analyzer is not None:
    analyzers.append(shadow_analyzer)
analyzer_definitions = infra.define_content_analyzers(settings, context=context, analyzers=analyzers, network=network)
app_settings = infra.function_app_settings(
    settings=settings,
    identity=function_identity.identity,
    image_storage=image_storage,
    analyzer=analyzer,
    database=database,
    result_topic=result_topic,
    shadow_analyzer=shadow_analyzer,
    shadow_queue=shadow_queue,
    api_client_id=api_client_id,
)
function_app = infra.FunctionApp(
    "app",
    context=context,
    identity=function_identity.identity,
    host_storage=host_storage,
    application_insights_connection_string=telemetry.insights.connection_string,
    app_settings=app_settings,
    python_version=infra.PYTHON_VERSION,
    maximum_instances=sizing.maximum_instances,
    instance_memory_mb=sizing.instance_memory_mb,
    network=network,
    opts=ResourceOptions(depends_on=[role_assignment_delay, *analyzer_definitions]),
)
package = infra.build_deployment_package(Path("functions/pipeline"), Path(".build"))
code_deployment = infra.CodeDeployment(
    "code-deployment",
    target=function_app.deployment_target,
    package=package,
    expected_functions=infra.pipeline_functions(shadow=settings.shadow is not None),
)

# --- API app and its code: the gallery, and the API that it and other clients call
api_app = api_code_deployment = None
allowed_origins: list[Input[str]] = []
if api_prerequisites is not None and api_client_id is not None:
    api_app = infra.FunctionApp(
        "api-app",
        context=context,
        identity=api_prerequisites.identity.identity,
        host_storage=api_prerequisites.host_storage,
        application_insights_connection_string=telemetry.insights.connection_string,
        app_settings=infra.api_app_settings(
            settings=settings,
            identity=api_prerequisites.identity.identity,
            image_storage=image_storage,
            analyzer=analyzer,
            database=database,
            pipeline_url=function_app.api_url,
            client_id=api_client_id,
        ),
        python_version=infra.PYTHON_VERSION,
        maximum_instances=infra.API_MAXIMUM_INSTANCES,
        instance_memory_mb=infra.API_INSTANCE_MEMORY_MB,
        network=network,
        label="api",
        opts=ResourceOptions(depends_on=[role_assignment_delay]),
    )
    api_code_deployment = infra.CodeDeployment(
        "api-code-deployment",
        target=api_app.deployment_target,
        package=infra.build_deployment_package(Path("functions/api"), Path(".build")),
        expected_functions=infra.API_FUNCTIONS,
    )
    allowed_origins = [api_app.origin, *settings.api_origins]
    if api_registration is not None:
        api_registration.add_redirect_uris([api_app.root_url, *settings.spa_redirect_uris])
image_storage.create_blob_service_properties(allowed_origins=allowed_origins)

# --- Monitoring
monitored_services = [blob_event_topic, *azure_services]
infra.Monitoring(
    "monitoring",
    context=context,
    workspace_id=telemetry.workspace.id,
    diagnostic_targets=[target for service in monitored_services for target in service.diagnostic_targets],
    event_topic_id=blob_event_topic.topic.id,
    cosmos_account_id=database.account.id,
    models=settings.deploys_model,
    budget_scope=resource_group.scope,
    shadow=settings.shadow is not None,
    monthly_budget=settings.monthly_budget,
    email=settings.alert_email,
)

# --- Stack outputs
infra.export_stack_outputs(
    image_storage=image_storage,
    database=database,
    function_app=function_app,
    api_app=api_app,
    code_deployment=code_deployment,
    api_code_deployment=api_code_deployment,
    settings=settings,
    api_client_id=api_client_id,
    tenant_id=function_identity.identity.tenant_id,
)
