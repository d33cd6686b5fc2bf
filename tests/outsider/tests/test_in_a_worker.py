from pytest_pyodide import run_in_pyodide


@run_in_pyodide
async def switch_on(selenium, signaling_url):
    import pyodide_rtc

    room = pyodide_rtc.join("lesson", signaling=signaling_url, user="Ada")
    room.state.is_on = True
    await room.until_loaded(20)
    return [room.name, room.state.is_on]


def test_a_worker_joins_a_room(selenium_rtc, signaling_server):
    assert switch_on(selenium_rtc, signaling_server.signaling_url) == ["lesson", True]
