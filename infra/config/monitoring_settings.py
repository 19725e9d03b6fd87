"""Settings of monitoring: how long logs are kept, who is notified, and what a month may cost."""

from pydantic import Field

from infra.config.field_types import EmailAddress
from infra.config.stack_config import StackConfig


class MonitoringSettings(StackConfig):
    """The settings of monitoring; `infra.Settings` has them all."""

    log_retention_days: int = Field(default=30, ge=30, le=730, description="Days that Log Analytics keeps its data.")
    alert_email: EmailAddress = Field(
        default="", description="Recipient of alert and budget emails; if empty, the owners of the subscription."
    )
    monthly_budget: int = Field(
        default=50,
        ge=1,
        le=100_000_000,
        description="Budget per month in the subscription's currency; emails at 50, 80 and 100 percent.",
    )
