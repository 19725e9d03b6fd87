"""The application: what the operations of the API call."""

from dataclasses import dataclass

from image_api.domain.configuration import ClientConfiguration
from image_api.domain.ports import Authenticator
from image_api.domain.rate_limits import RateLimits
from image_api.use_cases.images import Images
from image_api.use_cases.search import Search
from image_api.use_cases.uploads import Uploads


@dataclass(frozen=True, kw_only=True)
class Application:
    """The use cases of the API, and what decides who may use them."""

    authenticator: Authenticator
    rate_limits: RateLimits
    uploads: Uploads
    images: Images
    search: Search
    configuration: ClientConfiguration
