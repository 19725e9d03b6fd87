"""The operations of a Vision account, with the data action that each needs.

https://learn.microsoft.com/azure/role-based-access-control/permissions/ai-machine-learning
"""

from emulator.core.authorization import ANALYZE, ANALYZE_3_2, VECTORIZE_IMAGE, VECTORIZE_TEXT

ANALYZE_PATH = "/computervision/imageanalysis:analyze"
ANALYZE_3_2_PATH = "/vision/v3.2/analyze"
VECTORIZE_IMAGE_PATH = "/computervision/retrieval:vectorizeImage"
VECTORIZE_TEXT_PATH = "/computervision/retrieval:vectorizeText"

# By path; all are POST.
DATA_ACTIONS = {
    ANALYZE_PATH: ANALYZE,
    ANALYZE_3_2_PATH: ANALYZE_3_2,
    VECTORIZE_IMAGE_PATH: VECTORIZE_IMAGE,
    VECTORIZE_TEXT_PATH: VECTORIZE_TEXT,
}
