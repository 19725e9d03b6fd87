"""The API app that the Functions host loads; its functions are in `image_api.triggers`."""

import azure.functions as func
from image_api.triggers import blueprint

app = func.FunctionApp()
app.register_functions(blueprint)
