"""The function app that the Functions host loads; its functions are in `classifier.triggers`."""

import azure.functions as func
from classifier.triggers import blueprint

app = func.FunctionApp()
app.register_functions(blueprint)
