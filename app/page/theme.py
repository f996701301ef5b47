"""The look of the page: a theme and a style sheet. It is readable on a projector, with AA contrast in light and in dark.

All fonts are the system's, so the page requests nothing from other servers.
"""

from __future__ import annotations

import gradio as gr

from app.scan.render import PALETTE, css_colour, label_colours
from app.web import source

_SANS = ("Inter", "Segoe UI", "system-ui", "-apple-system", "Helvetica Neue", "Arial", "sans-serif")
_MONO = ("ui-monospace", "SFMono-Regular", "Consolas", "Liberation Mono", "monospace")

_TEAL = gr.themes.Color(
    name="teal",
    c50="#eefaf9",
    c100="#d3f1ee",
    c200="#a9e2dd",
    c300="#74cdc7",
    c400="#45b1ab",
    c500="#239089",
    c600="#0d736e",
    c700="#0b5f5b",
    c800="#0b4b49",
    c900="#0c3d3b",
    c950="#042524",
)
_SLATE = gr.themes.Color(
    name="slate",
    c50="#f7f9fa",
    c100="#eef2f4",
    c200="#dde4e8",
    c300="#c3ced4",
    c400="#93a3ad",
    c500="#64757f",
    c600="#4a5963",
    c700="#36434c",
    c800="#202a31",
    c900="#151c21",
    c950="#0d1216",
)
# Values that are the same in light and in dark.
_ALIKE = {
    "block_border_width": "0px",
    "block_shadow": "none",
    "block_padding": "0px",
    "block_title_text_size": "*text_sm",
    "block_title_text_weight": "600",
    "input_border_width": "1px",
    "button_primary_text_color": "#ffffff",
    "button_border_width": "1px",
}
# Values in light and in dark.
_LIGHT_AND_DARK = {
    "body_background_fill": ("*neutral_50", "*neutral_950"),
    "body_text_color": ("*neutral_900", "*neutral_100"),
    "body_text_color_subdued": ("*neutral_600", "*neutral_300"),
    "background_fill_primary": ("#ffffff", "*neutral_900"),
    "background_fill_secondary": ("*neutral_100", "*neutral_900"),
    "block_background_fill": ("transparent", "transparent"),
    "block_label_text_color": ("*neutral_600", "*neutral_300"),
    "block_title_text_color": ("*neutral_700", "*neutral_200"),
    "block_info_text_color": ("*neutral_600", "*neutral_300"),
    "border_color_primary": ("*neutral_200", "*neutral_700"),
    "input_background_fill": ("#ffffff", "*neutral_800"),
    "input_border_color": ("*neutral_300", "*neutral_600"),
    "input_border_color_focus": ("*primary_600", "*primary_400"),
    "input_placeholder_color": ("*neutral_600", "*neutral_300"),
    "button_primary_background_fill": ("*primary_600", "*primary_600"),
    "button_primary_background_fill_hover": ("*primary_700", "*primary_700"),
    "button_secondary_background_fill": ("#ffffff", "*neutral_800"),
    "button_secondary_background_fill_hover": ("*neutral_100", "*neutral_700"),
    "button_secondary_border_color": ("*neutral_300", "*neutral_600"),
    "checkbox_label_background_fill": ("transparent", "transparent"),
    "checkbox_label_background_fill_hover": ("*neutral_100", "*neutral_800"),
    "checkbox_label_background_fill_selected": ("transparent", "transparent"),
    "checkbox_label_border_width": ("0px", "0px"),
    "checkbox_label_text_color_selected": ("*neutral_900", "*neutral_100"),
    "checkbox_border_color": ("*neutral_500", "*neutral_400"),
    "checkbox_background_color_selected": ("*primary_600", "*primary_500"),
    "slider_color": ("*primary_600", "*primary_400"),
    "link_text_color": ("*primary_700", "*primary_300"),
}


def theme() -> gr.themes.Base:
    """Teal on cool greys. Every pair of text and background has a contrast of at least 4.5:1."""
    light = {name: value for name, (value, _) in _LIGHT_AND_DARK.items()}
    dark = {f"{name}_dark": value for name, (_, value) in _LIGHT_AND_DARK.items()}
    base = gr.themes.Base(primary_hue=_TEAL, secondary_hue=_TEAL, neutral_hue=_SLATE, font=_SANS, font_mono=_MONO, radius_size="md")
    return base.set(**_ALIKE, **light, **dark)


def style_sheet() -> str:
    """The page's CSS. It puts a swatch in the class colour before every entry of the legend, whatever the classes are."""
    colours = label_colours(PALETTE + 1)
    swatches = "\n".join(
        f"#visible label:nth-of-type({PALETTE}n + {i}) span::before {{ background: {css_colour(colours[i])}; }}"
        for i in range(1, PALETTE + 1)
    )
    return f"{source('page/page.css')}\n{swatches}\n"
