"""Other names under which clients may send a field, as an adapter lists them."""

from collections.abc import Sequence

from iris_deploy.errors import SettingsError
from iris_deploy.schema.signature import Signature


def add_aliases(signature: Signature, aliases: Sequence[tuple[str, str]]) -> Signature:
    """Return a signature whose columns have other names, too.

    Parameters
    ----------
    signature : Signature
        Of the fields that clients send.
    aliases : sequence of (str, str)
        Another name, and the field that has it.

    Raises
    ------
    SettingsError
        If a name is empty, a field's own, or another's, too.
    """
    added: dict[str, str] = {}
    for alias, field in aliases:
        owner = alias if alias in signature.names else added.get(alias)
        if owner is not None or not alias:
            what = f"is a name of {owner}, too" if owner else "is empty"
            raise SettingsError(
                f"`adapter`: fields.{field}: the alias {alias!r:.80} {what}",
                hint="each name stands for one field",
            )
        added[alias] = field
    return Signature(columns=signature.columns, output=signature.output, aliases=added)
