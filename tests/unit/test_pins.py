"""An image has what serving requires, whatever else is installed beside it."""

from pathlib import Path

import pytest

from iris_deploy.bundle import pins

REQUIRED = {
    "new": 'new>=1; python_version >= "3.10"',
    "here": "here; sys_platform != 'none'",
    "either": "either; python_version < '3.9' or sys_platform != 'none'",
    "plain": "plain<9",
}
NOT = {
    "old": "old>=3.6; python_version < '3.10'",
    "between": 'between; python_version>="3.8" and python_version<"3.10"',
    "extra": 'extra; extra == "more"',
    "absent": "absent; sys_platform == 'win32'",
}


def test_what_is_for_other_pythons_is_not_pinned_though_it_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    required = [f"Requires-Dist: {text}" for text in (REQUIRED | NOT).values()]
    for name in ("served", *REQUIRED, *NOT):
        if name != "absent":
            home = tmp_path / f"{name}-1.0.dist-info"
            home.mkdir()
            lines = ["Metadata-Version: 2.1", f"Name: {name}", "Version: 1.0"]
            lines += required if name == "served" else []
            (home / "METADATA").write_text("\n".join(lines))
    monkeypatch.syspath_prepend(str(tmp_path))
    assert set(pins._pins(["served"])) == {"served", *REQUIRED}
