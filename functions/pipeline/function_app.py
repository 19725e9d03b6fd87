"""The function app that the Functions host loads; its functions are in `classifier.triggers`."""

import azure.functions as func
from classifier import shadow_trigger
from classifier.triggers import blueprint

app = func.FunctionApp()
app.register_functions(blueprint)
if shadow_trigger.has_shadow():
    app.register_functions(shadow_trigger.blueprint)
