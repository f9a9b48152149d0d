"""Which kinds of bodies contracts take."""

from iris_deploy.errors import IrisDeployError

_CHARSETS = {"utf-8", "utf8", "us-ascii"}


class ContentTypeError(IrisDeployError, ValueError):
    """A body is of a kind that the contract does not take."""


def check_json(content_type: str | None) -> None:
    """Refuse a Content-Type that is not JSON in UTF-8, whatever its capitals and parameters.

    Parameters
    ----------
    content_type : str or None
        Header of the request.

    Raises
    ------
    ContentTypeError
    """
    if content_type == "application/json":
        return
    kind, *parameters = (content_type or "").lower().split(";")
    named = dict(part.strip().partition("=")[::2] for part in parameters)
    charset = named.get("charset", "utf-8").strip('"')
    if kind.strip() != "application/json" or charset not in _CHARSETS:
        raise ContentTypeError(
            f"expected Content-Type: application/json; got {content_type or 'none'}. "
            "With curl add -H 'Content-Type: application/json'"
        )
