"""An object store that does not answer is said in one line."""

from __future__ import annotations

import pytest
from launching import grid_with, run

from sweep.errors import SweepError


def test_no_answer_is_said_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with pytest.raises(SweepError, match="cannot read or write the store: Generic S3 error") as error:
        run(grid_with(), "s3://runs/toy.zarr")
    assert len(str(error.value).splitlines()) == 1
