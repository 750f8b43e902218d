from pathlib import Path

import pytest

from warroom.tui.keymap import KeymapError, clashes, find_problems, load_keymap


def test_the_default_keys_do_not_clash() -> None:
    assert clashes({}) == []
    everything = {"entry.add-note": "n"}
    assert find_problems(everything) == []


def test_a_key_that_two_actions_would_share_is_named() -> None:
    assert find_problems({"entry.add-note": "u"}) == [
        "entry.add-note and incident.publish-update would share the key 'u'"
    ]


def test_an_unknown_id_names_the_nearest() -> None:
    assert "did you mean 'entry.add-note'" in find_problems({"entry.addnote": "n"})[0]


def test_digits_belong_to_the_panes() -> None:
    assert "jumps to a pane" in find_problems({"entry.add-note": "2"})[0]


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "keymap.toml"
    assert load_keymap(path) == {}
    path.write_text('[keymap]\n"entry.add-note" = "f7,n"\n')
    assert load_keymap(path) == {"entry.add-note": "f7,n"}
    path.write_text("[keymap\n")
    with pytest.raises(KeymapError, match=r"keymap\.toml"):
        load_keymap(path)
    path.write_text('[keymap]\n"entry.add-note" = 3\n')
    with pytest.raises(KeymapError, match="a text such as"):
        load_keymap(path)
