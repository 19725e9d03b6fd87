"""The users of the emulated tenant. What they may do follows from what is deployed, and from nothing here."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class User:
    """A user of the emulated tenant.

    Attributes:
        name: Name for commands, such as `reader`.
        object_id: Object id in Microsoft Entra ID.
        display_name: Name that the sign-in page and ID tokens show.
    """

    name: str
    object_id: str
    display_name: str

    @property
    def principal_name(self) -> str:
        """The user principal name, with which a user signs in."""
        return f"{self.name}@emulator.onmicrosoft.com"


# Deploys, and is who commands run as unless they name another user.
DEPLOYER = User(name="deployer", object_id="00000000-0000-4000-8000-00000000a11c", display_name="Alice Deployer")
# stacks/Pulumi.local.yaml has one of the next three in each list of principals; the guest is in none.
USERS = (
    DEPLOYER,
    User(name="reader", object_id="00000000-0000-4000-8000-0000000000a1", display_name="Rita Reader"),
    User(name="uploader", object_id="00000000-0000-4000-8000-0000000000a2", display_name="Uma Uploader"),
    User(name="operator", object_id="00000000-0000-4000-8000-0000000000a3", display_name="Otto Operator"),
    User(name="guest", object_id="00000000-0000-4000-8000-0000000000a4", display_name="Gus Guest"),
)


def find_user(object_id: str) -> User | None:
    """Return the user with an object id, or None."""
    return next((user for user in USERS if user.object_id == object_id.lower()), None)
