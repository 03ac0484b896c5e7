"""Carries the look of a workbook that xlrd read over to one that xlwt writes: cell formats, sizes, panes."""

from typing import Any

import xlwt

# xlrd's and xlwt's objects are untyped: (name in xlwt, name in xlrd) says what corresponds to what.
_FONT = {
    **{name: name for name in ("height", "italic", "struck_out", "outline", "shadow", "colour_index", "bold")},
    **{name: name for name in ("escapement", "family", "name")},
    "_weight": "weight",
    "underline": "underline_type",
    "charset": "character_set",
}
_ALIGNMENT = {
    "horz": "hor_align",
    "vert": "vert_align",
    "dire": "text_direction",
    "rota": "rotation",
    "wrap": "text_wrapped",
    "shri": "shrink_to_fit",
    "inde": "indent_level",
}
_SIDES = ("left", "right", "top", "bottom", "diag")
_BORDERS = {
    **{side: f"{side}_line_style" for side in _SIDES},
    **{f"{side}_colour": f"{side}_colour_index" for side in _SIDES},
    "need_diag1": "diag_down",
    "need_diag2": "diag_up",
}
_PATTERN = {
    "pattern": "fill_pattern",
    "pattern_fore_colour": "pattern_colour_index",
    "pattern_back_colour": "background_colour_index",
}
_PROTECTION = {"cell_locked": "cell_locked", "formula_hidden": "formula_hidden"}
_WINDOW = {
    "show_formulas": "show_formulas",
    "show_zero_values": "show_zero_values",
    "show_grid": "show_grid_lines",
    "show_headers": "show_sheet_headers",
    "panes_frozen": "panes_are_frozen",
    "auto_colour_grid": "automatic_grid_line_colour",
    "cols_right_to_left": "columns_from_right_to_left",
    "show_outline": "show_outline_symbols",
    "remove_splits": "remove_splits_if_pane_freeze_is_removed",
    "selected": "sheet_selected",
    "page_preview": "show_in_page_break_preview",
    "first_visible_row": "first_visible_rowx",
    "first_visible_col": "first_visible_colx",
    "grid_colour": "gridline_colour_index",
    "preview_magn": "cooked_page_break_preview_mag_factor",
    "normal_magn": "cooked_normal_view_mag_factor",
    "row_default_height": "default_row_height",
    "row_default_hidden": "default_row_hidden",
    "row_default_height_mismatch": "default_row_height_mismatch",
    "visibility": "visibility",
    "row_default_space_above": "default_additional_space_above",
    "row_default_space_below": "default_additional_space_below",
}
_PANE = {
    "vert_split_pos": "vert_split_pos",
    "horz_split_pos": "horz_split_pos",
    "vert_split_first_visible": "vert_split_first_visible",
    "horz_split_first_visible": "horz_split_first_visible",
    "active_pane": "split_active_pane",
}
_COLUMN = {"width": "width", "hidden": "hidden", "level": "outline_level", "collapse": "collapsed"}
_ROW = {
    "height": "height",
    "has_default_height": "has_default_height",
    "height_mismatch": "height_mismatch",
    "level": "outline_level",
    "collapse": "outline_group_starts_ends",
    "hidden": "hidden",
    "space_above": "additional_space_above",
    "space_below": "additional_space_below",
}
_FIRST_COLOUR = 8


def styles(book: Any) -> list[Any]:
    """One xlwt style for each cell format of the xlrd book, in its order."""
    return [_style(book, cell_format) for cell_format in book.xf_list]


def font(book: Any, index: int) -> Any:
    """The xlwt font that looks like font `index` of the xlrd book."""
    return _carry(xlwt.Font(), book.font_list[index], _FONT)


def new_book(book: Any) -> Any:
    """An empty xlwt workbook with the settings of the xlrd book: date system, palette, country, user."""
    made = xlwt.Workbook(encoding="utf-8", style_compression=2)
    made.dates_1904 = book.datemode
    if book.countries[0]:
        made.country_code = book.countries[0]
    if book.user_name:
        made.owner = book.user_name
    for index, colour in enumerate(book.palette_record, _FIRST_COLOUR):
        made.set_colour_RGB(index, *colour)
    return made


def new_sheet(made: Any, sheet: Any, style: list[Any]) -> Any:
    """A sheet in `made` named, sized and scrolled like the xlrd sheet, without rows."""
    target = made.add_sheet(sheet.name)
    _carry(target, sheet, _WINDOW)
    if sheet.has_pane_record:
        _carry(target, sheet, _PANE)
    if sheet.standardwidth is not None:
        target.col_default_width = (sheet.standardwidth + 255) // 256
    elif sheet.defcolwidth is not None:
        target.col_default_width = sheet.defcolwidth
    for at, info in sheet.colinfo_map.items():
        if at < 256:
            _carry(target.col(at), info, _COLUMN).set_style(style[info.xf_index])
    return target


def size_row(row: Any, info: Any, style: list[Any]) -> None:
    """The height, outline and format of a whole row."""
    _carry(row, info, _ROW)
    if info.has_default_xf_index:
        row.set_style(style[info.xf_index])


def _style(book: Any, cell_format: Any) -> Any:
    made = xlwt.XFStyle()
    made.num_format_str = book.format_map[cell_format.format_key].format_str
    made.font = font(book, cell_format.font_index)
    _carry(made.protection, cell_format.protection, _PROTECTION)
    _carry(made.borders, cell_format.border, _BORDERS)
    _carry(made.pattern, cell_format.background, _PATTERN)
    _carry(made.alignment, cell_format.alignment, _ALIGNMENT)
    return made


def _carry(target: Any, source: Any, names: dict[str, str]) -> Any:
    for name, there in names.items():
        if (value := getattr(source, there, None)) is not None:
            setattr(target, name, value)
    return target
