"""What the Functions host loads: one app, its functions registered from `classifier`."""

import azure.functions as func
from classifier.triggers import blueprint

app = func.FunctionApp()
app.register_functions(blueprint)
