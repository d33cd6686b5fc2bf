"""Browser tests that run only when all are asked for, by PYODIDE_RTC_VARIANTS=all.

All browser tests together take well over an hour on two cores. Of each variant that is named here
another one always runs: in the other browser, in the other application, with another input of its
kind. A long scene that is named here goes over several rules at once, each of which has a shorter
test that always runs, in a browser or in memory. Before a release all of them run.
"""

from __future__ import annotations

import os

__all__ = ["is_left_out"]

_ARE_ALL_WANTED = os.environ.get("PYODIDE_RTC_VARIANTS") == "all"

_LEFT_OUT = {
    "bridge/test_routes.py": (
        "test_the_labextension_and_the_end_of_a_kernel[firefox]",
        "test_the_widget_and_the_end_of_a_kernel[firefox]",
        "test_the_displayed_script_and_its_saved_output[chromium]",
    ),
    "plugin/test_ending.py": (
        "test_it_is_interrupted[15-chromium-]",
        "test_a_fixture_takes_too_long[signal]",
    ),
    "rooms/test_apps.py": (
        "test_a_kernel_sees_the_configuration_of_its_application[edit]",
        "test_a_kernel_sees_the_configuration_of_its_application[consoles]",
        "test_a_kernel_sees_the_configuration_of_its_application[notebooks]",
    ),
    "rooms/test_bad_input.py": (
        "test_garbage_from_a_peer_harms_that_peer_alone[0, 2, 3, 255, 255, 255]",
        "test_garbage_from_a_peer_harms_that_peer_alone[0, 9, 9]",
    ),
    "rooms/test_busy.py": ("test_a_kernel_that_computes[firefox-chromium-12]",),
    "rooms/test_flood.py": ("test_a_flood_slows_who_makes_it_alone[proxied]",),
    "rooms/test_install.py": (
        "test_each_error_of_the_page_is_the_one_that_comes[another Pyodide]",
    ),
    "rooms/test_kept.py": (
        "test_killed_at_random_moments[chromium]",
        "test_a_reload_with_nobody_else_there[firefox-None]",
    ),
    "rooms/test_kept_limits.py": (
        "test_a_private_window[chromium]",
        "test_restarted_in_the_midst_of_a_compaction[firefox]",
    ),
    "rooms/test_last_words.py": ("test_a_computing_kernel_has_all_of_it[proxied]",),
    "rooms/test_leaving.py": (
        "test_who_is_busy_is_not_missed[chromium-chromium]",
        "test_who_is_busy_is_not_missed[firefox-chromium]",
        "test_who_goes_without_a_word_is_seen_to_go[walk_away]",
    ),
    "rooms/test_network.py": ("test_both_go_on_and_meet_again_soon_after_a_cut[the way-8.0]",),
    "rooms/test_signaling_servers.py": (
        "test_newcomers_get_in_soon_after_an_outage[20-chromium]",
        "test_what_a_signaling_server_sees[None]",
        "test_newcomers_get_in_soon_after_an_outage[20-firefox]",
    ),
    "rooms/test_sizes.py": (
        "test_a_large_document_to_a_newcomer_with_a_small_edit_meanwhile[10-MB-from-firefox]",
        "test_a_large_document_to_a_newcomer_with_a_small_edit_meanwhile[50-MB]",
    ),
    "rooms/test_stock_peers.py": (
        "test_the_page_is_there_first[plain]",
        "test_the_notebook_is_there_first[password]",
    ),
    "rooms/test_tabs.py": ("test_two_notebooks[password]",),
    "rooms/test_two_browsers.py": ("test_edits_presence_and_leaving[names1]",),
    "rooms/test_walking.py": (
        "test_the_room_comes_along_until_it_is_left[firefox]",
        "test_a_new_room_replaces_it[firefox]",
        "test_a_tab_of_its_own_knows_nothing[chromium]",
    ),
    "rooms/test_why.py": ("test_a_proxy_that_refuses_websockets[firefox]",),
    "together/test_beginning.py": (
        "test_who_comes_later_with_another_file_keeps_a_copy[notebooks]",
    ),
    "together/test_editing.py": (
        "test_a_notebook_is_edited_together[chromium]",
        "test_a_kernel_sets_the_text_while_the_other_types_after_it[firefox]",
    ),
    "together/test_engine_life.py": ("test_an_engine_that_dies_is_started_again[it fails]",),
    "together/test_openings.py": (
        "test_a_damaged_notebook_is_told_and_stays_as_it_is[null]",
        "test_a_damaged_notebook_is_told_and_stays_as_it_is[text for cells]",
        "test_a_damaged_notebook_is_told_and_stays_as_it_is[number for a cell]",
        'test_text_in_the_editor[data.json-{"a":1}]',
        "test_a_damaged_notebook_is_told_and_stays_as_it_is[list]",
    ),
    "together/test_people.py": ("test_a_name_is_changed_and_seen_by_all[firefox]",),
    "together/test_places.py": (
        "test_text_files[notes.txt-lab-Gr\\xfc\\xdfe \\U0001f4ca\\n]",
        "test_without_a_room_all_is_as_without_us[not collaborative]",
    ),
    "together/test_reading.py": ("test_the_line_that_is_read_stays_where_it_is[notebooks]",),
    "together/test_status.py": ("test_the_document_in_front[notebooks]",),
}
"""By file, below this folder: the names of its variants as pytest gives them."""

_LONG = {
    "rooms/test_busy.py": ("test_where_the_kernel_brings_the_page_part",),
    "rooms/test_five_notebooks.py": ("test_random_edits",),
    "rooms/test_kept.py": (
        "test_two_who_were_offline_and_reloaded_are_merged",
        "test_two_tabs_write_and_one_is_killed",
    ),
    "rooms/test_kept_limits.py": (
        "test_ten_megabytes",
        "test_a_duplicated_tab_is_another_peer",
    ),
    "rooms/test_leaving.py": (
        "test_at_a_stock_server_who_is_killed_is_missed[chromium-chromium]",
        "test_at_a_stock_server_who_is_killed_is_missed[chromium-firefox]",
        "test_at_a_stock_server_who_is_killed_is_missed[firefox-chromium]",
        "test_who_goes_without_a_word_is_seen_to_go[crash_tab]",
    ),
    "rooms/test_page_life.py": ("test_walking_away_and_back",),
    "rooms/test_sizes.py": ("test_a_burst_of_60_mb_arrives_whole",),
    "together/test_beginning.py": (
        "test_equal_files_opened_at_once_are_one",
        "test_who_has_nothing_to_lose_keeps_no_copy",
    ),
    "together/test_engine_life.py": (
        "test_a_reload_while_the_other_types",
        "test_both_close_and_one_opens_it_again_alone",
        "test_the_signaling_server_is_away_at_the_start",
        "test_two_tabs_of_one_browser",
    ),
    "together/test_files.py": (
        "test_the_other_saves_just_after_a_rename",
        "test_save_as_makes_another_document",
        "test_a_file_that_a_cell_writes_again_and_again",
    ),
    "together/test_much.py": (
        "test_five_people_in_a_notebook_of_300_cells",
        "test_a_notebook_of_2000_cells_opens",
    ),
    "together/test_openings.py": ("test_new_notebooks_of_one_name_are_two_documents",),
    "together/test_own_metadata.py": ("test_who_has_it_from_the_room_begins_as_the_first_did",),
    "together/test_people.py": ("test_jupyter_collaborations_own_form_works",),
    "together/test_plays.py": (
        "test_one_sleeps_while_the_other_reopens_the_file",
        "test_a_cell_is_split_by_one_and_merged_by_the_other",
    ),
    "together/test_running.py": ("test_run_all_asks_once_and_keeps_the_order",),
    "together/test_trust.py": ("test_ones_own_outputs_are_trusted_after_cut_and_paste",),
}
"""By file, below this folder: its long scenes."""


def is_left_out(file: str, name: str) -> bool:
    """Return whether a test is not to run this time.

    Args:
        file: the path below this folder, with `/`.
        name: the test's name, with its parameters.
    """
    return not _ARE_ALL_WANTED and name in (*_LEFT_OUT.get(file, ()), *_LONG.get(file, ()))
