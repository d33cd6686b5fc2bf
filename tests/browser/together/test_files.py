"""What happens to files: they are written by others, reverted, renamed, copied, deleted."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from harness.together import Desk, all_equal, copies, open_all, sources
from selenium.webdriver import Keys

from pyodide_rtc.testing.browsers import eventually

from .conftest import DeskOf, notebook

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

RENAMES = int(os.environ.get("PYODIDE_RTC_RENAMES", "3"))


def write_text(desk: Desk, text: str) -> None:
    """Type at the beginning of an open text file."""
    desk.click_text()
    desk.press(Keys.CONTROL, Keys.HOME)
    desk.type(text)


class TestWrittenByOthers:
    def test_an_upload_over_a_text_that_both_edit(
        self, desk: DeskOf, put: Callable[..., str], room_name: str
    ) -> None:
        path = put("one = 1\ntwo = 2\n", name="uploaded.py")
        ada, bob = desk("ada"), desk("bob")
        open_all(ada, bob, path=path, room=room_name)
        write_text(ada, "# Ada\n")
        bob.eventually("content", "# Ada\none = 1\ntwo = 2\n")
        ada.upload(path, "one = 1\ntwo = 2\nthree = 3 # 📊\n")
        for one in (ada, bob):
            one.eventually("content", "one = 1\ntwo = 2\nthree = 3 # 📊\n")
        copy = "uploaded (my copy).py"
        eventually(lambda: copy in ada.files, 10, "what Ada had typed is kept")
        assert ada.saved(copy) == "# Ada\none = 1\ntwo = 2\n"
        eventually(lambda: copy in ada.notices, 10, "Ada is told its name")
        write_text(bob, "# Bob\n")
        ada.eventually("content", "# Bob\none = 1\ntwo = 2\nthree = 3 # 📊\n")
        eventually(lambda: str(ada.saved(path)).startswith("# Bob"), 10, "it is saved")
        assert ada.dialogs == bob.dialogs == []

    def test_a_file_that_a_cell_writes_again_and_again(
        self, desk: DeskOf, put: Callable[..., str], room_name: str
    ) -> None:
        path = put("line 0\n", name="written.txt")
        cell = f"for n in range(1, 4):\n    open({path!r}, 'a').write(f'line {{n}}\\n')"
        book = put(cell, kernel="python")
        ada = desk("ada")
        shown = "return document.querySelector('.jp-FileEditor .cm-content')?.innerText ?? ''"
        ada.open(book, room_name)
        ada.wait_kernel()
        ada.execute("docmanager:open", path=path, options={"mode": "split-right"})
        eventually(lambda: "line 0" in ada.js(shown), 20, "the file is shown")
        ada.run_cell(0)
        counts = "return document.querySelector('.jp-InputArea-prompt').textContent"
        eventually(lambda: "[1]" in ada.js(counts), 60, "the cell has run")
        assert ada.outputs(0) == []
        eventually(lambda: "line 3" in ada.js(shown), 20, "what the cell wrote is shown")
        assert "line 1" in ada.js(shown)
        assert copies("written.txt", ada) == [], "nobody has typed anything"
        assert ada.dialogs == []

    def test_a_notebook_takes_what_differs(
        self, desk: DeskOf, put: Callable[..., str], room_name: str
    ) -> None:
        path = put("one = 1", "two = 2", "three = 3")
        ada, bob = desk("ada"), desk("bob")
        open_all(ada, bob, path=path, room=room_name)
        bob.click_cell(0)
        ada.put_file(path, notebook("one = 1", "two = 22", "three = 3", "four = 4"))
        for one in (ada, bob):
            one.eventually("cells", ["one = 1", "two = 22", "three = 3", "four = 4"])
        bob.type(Keys.END, "  # Bob")
        ada.eventually("cells", ["one = 1  # Bob", "two = 22", "three = 3", "four = 4"])
        all_equal(ada, bob)
        assert copies(path, ada, bob) == []
        assert ada.dialogs == bob.dialogs == []

    def test_revert_to_a_checkpoint(
        self, desk: DeskOf, put: Callable[..., str], room_name: str
    ) -> None:
        path = put("one = 1")
        ada, bob = desk("ada"), desk("bob")
        open_all(ada, bob, path=path, room=room_name)
        ada.write(0, "  # good")
        ada.press(Keys.CONTROL, "s")
        checkpoints = (
            "return (await window.jupyterapp.serviceManager.contents"
            ".listCheckpoints(arguments[0])).length"
        )
        eventually(lambda: ada.ask(checkpoints, path), 10, "a checkpoint")
        bob.write(0, ", bad")
        ada.eventually("cells", ["one = 1  # good, bad"])
        eventually(lambda: sources(ada, path) == ["one = 1  # good, bad"], 10, "it is saved")
        ada.execute("docmanager:restore-checkpoint")
        ada.answer()
        for one in (ada, bob):
            one.eventually("cells", ["one = 1  # good"])
        bob.write(0, ", on")
        ada.eventually("cells", ["one = 1  # good, on"])
        assert ada.dialogs == bob.dialogs == []


class TestNames:
    def test_a_renamed_file_is_followed_and_its_old_name_is_free(
        self, desk: DeskOf, put: Callable[..., str], room_name: str
    ) -> None:
        path = put("one = 1")
        new = path.replace("test", "renamed")
        ada, bob = desk("ada"), desk("bob")
        open_all(ada, bob, path=path, room=room_name)
        bob.click_cell(0)
        bob.type(Keys.END, "  # Bob")
        ada.execute("docmanager:rename")
        ada.answer(new)
        bob.type(", on")
        for one in (ada, bob):
            eventually(lambda one=one: one.tab == new, 10, f"{one.name} has the new name")
            one.eventually("cells", ["one = 1  # Bob, on"])
        ada.write(0, ", Ada")
        bob.eventually("cells", ["one = 1  # Bob, on, Ada"])
        for one in (ada, bob):
            eventually(lambda one=one: sources(one, new) == one.cells, 10, "it is saved")
        assert copies(path, ada, bob) == copies(new, ada, bob) == []

        ada.put_file(path, notebook("a new one"))
        ada.execute("docmanager:open", path=path)
        eventually(lambda: ada.tab == path and ada.cells == ["a new one"], 20, "the new file")
        ada.write(0, "!")
        bob.write(0, ", still")
        eventually(lambda: sources(ada, new) == bob.cells, 10, "the old one goes on")
        assert ada.cells == ["a new one!"]
        assert ada.dialogs == bob.dialogs == []

    def test_the_other_saves_just_after_a_rename(
        self, desk: DeskOf, put: Callable[..., str], room_name: str
    ) -> None:
        """Reproduces a fault of others: the old name came again, and a dialog with it."""
        path = put("one = 1")
        ada, bob = desk("ada"), desk("bob")
        open_all(ada, bob, path=path, room=room_name)
        names = [path]
        for number in range(RENAMES):
            new = f"{room_name}-name-{number}.ipynb"
            ada.execute("docmanager:rename")
            ada.answer(new)
            bob.write(0, ".")
            bob.press(Keys.CONTROL, "s")
            for one in (ada, bob):
                eventually(lambda one=one, new=new: one.tab == new, 10, f"{one.name} follows")
            bob.press(Keys.CONTROL, "s")
            names.append(new)
        cells = ["one = 1" + "." * RENAMES]
        for one in (ada, bob):
            one.eventually("cells", cells)
            eventually(lambda one=one: sources(one, names[-1]) == cells, 10, "it is saved")
            # The site itself has a file of the first name, so that name is listed again.
            assert [file for file in one.files if file in names[1:]] == names[-1:]
            assert copies(path, one) == copies(names[-1], one) == []
            assert one.dialogs == []

    def test_who_has_another_file_of_that_name_keeps_it(
        self, desk: DeskOf, put: Callable[..., str], room_name: str
    ) -> None:
        path = put("one = 1")
        taken = path.replace("test", "taken")
        ada, bob = desk("ada"), desk("bob")
        bob.open("start-here.ipynb", None, "notebooks")
        bob.put_file(taken, notebook("of Bob"))
        open_all(ada, bob, path=path, room=room_name)
        ada.execute("docmanager:rename")
        ada.answer(taken)
        eventually(lambda: taken in bob.notices, 10, "Bob is told")
        assert bob.tab == path
        bob.write(0, "  # Bob")
        ada.eventually("cells", ["one = 1  # Bob"])
        assert sources(bob, taken) == ["of Bob"]

    def test_save_as_makes_another_document(
        self, desk: DeskOf, put: Callable[..., str], room_name: str
    ) -> None:
        path = put("one = 1")
        other = path.replace("test", "other")
        ada, bob = desk("ada"), desk("bob")
        open_all(ada, bob, path=path, room=room_name)
        ada.execute("docmanager:save-as")
        ada.answer(other)
        eventually(lambda: ada.tab == other and ada.cells == ["one = 1"], 20, "the other file")
        ada.write(0, "  # Ada")
        bob.write(0, "  # Bob")
        eventually(lambda: sources(ada, other) == ["one = 1  # Ada"], 10, "it is saved")
        assert bob.cells == ["one = 1  # Bob"]
        assert sources(ada, path) == ["one = 1"], "it is closed here"
        assert other not in bob.files

    def test_who_deletes_a_file_has_it_no_more_and_the_other_goes_on(
        self, desk: DeskOf, put: Callable[..., str], room_name: str
    ) -> None:
        path = put("one = 1")
        ada, bob = desk("ada"), desk("bob")
        for one in (ada, bob):  # the site's own file would be seen again
            one.open("start-here.ipynb", None, "notebooks")
        path = f"own-{path}"
        ada.put_file(path, notebook("one = 1"))
        bob.put_file(path, notebook("one = 1"))
        open_all(ada, bob, path=path, room=room_name)
        ada.write(0, "  # Ada")
        bob.eventually("cells", ["one = 1  # Ada"])
        ada.execute("docmanager:delete-file", path=path)
        eventually(lambda: ada.tab != path, 10, "it is closed")
        bob.write(0, ", Bob")
        eventually(lambda: sources(bob, path) == ["one = 1  # Ada, Bob"], 10, "it is saved")
        assert ada.saved(path) is None
        assert ada.dialogs == bob.dialogs == []


class TestSaving:
    def test_a_file_that_cannot_be_saved_is_told_and_saved_later(
        self, desk: DeskOf, put: Callable[..., str], room_name: str
    ) -> None:
        path = put("one = 1")
        ada, bob = desk("ada"), desk("bob")
        open_all(ada, bob, path=path, room=room_name)
        ada.js(
            """
            const drive = window.jupyterapp.serviceManager.contents.defaultDrive;
            window.allow = () => delete drive.save;
            drive.save = async () => { throw new Error("the disk is full"); };
            """
        )
        bob.write(0, "  # Bob")
        ada.eventually("is_dirty", True)
        eventually(lambda: "the disk is full" in ada.notices, 10, "Ada is told")
        ada.write(0, ", Ada")
        bob.eventually("cells", ["one = 1  # Bob, Ada"])
        assert not bob.is_dirty
        ada.js("window.allow()")
        ada.write(0, ", on")
        ada.eventually("is_dirty", False)
        eventually(lambda: sources(ada, path) == ["one = 1  # Bob, Ada, on"], 10, "it is saved")

    def test_a_notebook_as_text_is_not_a_second_document(
        self, desk: DeskOf, put: Callable[..., str], room_name: str
    ) -> None:
        path = put("one = 1")
        ada, bob = desk("ada"), desk("bob")
        open_all(ada, bob, path=path, room=room_name)
        ada.execute("docmanager:open", path=path, factory="Editor")
        eventually(lambda: '"one = 1"' in str(ada.content), 20, "its text is shown")
        bob.write(0, "  # Bob")
        eventually(lambda: '"one = 1  # Bob"' in str(ada.content), 10, "Bob's edit is in it")
        bob.eventually("cells", ["one = 1  # Bob"])
        assert copies(path, ada, bob) == []
        assert ada.dialogs == bob.dialogs == []
