from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brightline.lists.feeds.config import FeedConfig, FeedKind, read_config, write_config
from brightline.lists.feeds.errors import FeedError

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x7f"), max_size=20)


@given(
    kind=st.sampled_from(FeedKind),
    credentials=TEXT,
    ca_file=TEXT,
    window=st.integers(2, 4000),
    overlap=st.integers(0, 47),
    name=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True),
)
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory,
    kind: FeedKind,
    credentials: str,
    ca_file: str,
    window: int,
    overlap: int,
    name: str,
) -> None:
    home = tmp_path_factory.mktemp("list")
    config = FeedConfig(
        kind,
        "https://example.com/hashes",
        credentials=credentials,
        ca_file=ca_file,
        window_days=window,
        overlap_hours=overlap,
        proxy="http://proxy.example:3128",
    )
    write_config(home, name, config)
    assert read_config(home, name) == config
    assert (home / "feed" / "feed.toml").stat().st_mode & 0o777 == 0o600


def test_a_list_without_a_feed(tmp_path: Path) -> None:
    assert read_config(tmp_path, "l") is None


@pytest.mark.parametrize(
    "text",
    [
        "no toml",
        "",
        "[feeds.other]\nkind='ncmec'\nurl='https://example.com'",
        "[feeds.l]\nkind='ncmec'",
        "[feeds.l]\nkind='ncmek'\nurl='https://example.com'",
        "[feeds.l]\nkind='ncmec'\nurl='http://example.com'",
        "[feeds.l]\nkind='ncmec'\nurl='https://example.com'\nwindow='30'",
        "[feeds.l]\nkind='ncmec'\nurl='https://example.com'\nwindow_days='30'",
        "[feeds.l]\nkind='ncmec'\nurl='https://example.com'\nwindow_days=true",
        "[feeds.l]\nkind='ncmec'\nurl='https://example.com'\nwindow_days=0",
        "[feeds.l]\nkind='ncmec'\nurl='https://example.com'\nwindow_days=1",
        "[feeds.l]\nkind='ncmec'\nurl='https://example.com'\nproxy='http://u:p@proxy'",
        "[feeds.l]\nkind='ncmec'\nurl='https://u:p@example.com'",
    ],
)
def test_a_file_that_is_not_understood(tmp_path: Path, text: str) -> None:
    (tmp_path / "feed").mkdir()
    (tmp_path / "feed" / "feed.toml").write_text(text)
    with pytest.raises(FeedError, match=r"feed\.toml"):
        read_config(tmp_path, "l")
