import pytest

from pyodide_rtc.testing.browsers import CellError

SHARE = """
%pip install -q shared-lamp
from shared_lamp import share
lamp = share(room)
lamp"""


def test_both_see_the_light(rtc_room_pair):
    ada, bob = rtc_room_pair
    for person in (ada, bob):
        person.run(SHARE, timeout_s=90)
    ada.click("button.lamp")
    bob.eventually("lamp.is_on", True)
    assert bob.find("button.lamp").text == "On (100 %)"
    bob.run("lamp.dim(20)")
    ada.eventually("lamp.percent", 20)
    with pytest.raises(CellError, match="1 to 100 percent"):
        bob.run("lamp.dim(101)")
