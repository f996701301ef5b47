"""The look: a theme and a style sheet of our own. Calm, readable on a projector, AA contrast in light and dark.

Fonts are the system's: nothing is requested from outside.
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


def theme() -> gr.themes.Base:
    """Teal on cool greys; every text / background pair reaches 4.5:1."""
    return gr.themes.Base(primary_hue=_TEAL, secondary_hue=_TEAL, neutral_hue=_SLATE, font=_SANS, font_mono=_MONO, radius_size="md").set(
        body_background_fill="*neutral_50",
        body_background_fill_dark="*neutral_950",
        body_text_color="*neutral_900",
        body_text_color_dark="*neutral_100",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        background_fill_primary="#ffffff",
        background_fill_primary_dark="*neutral_900",
        background_fill_secondary="*neutral_100",
        background_fill_secondary_dark="*neutral_900",
        block_background_fill="transparent",
        block_background_fill_dark="transparent",
        block_border_width="0px",
        block_shadow="none",
        block_padding="0px",
        block_label_text_color="*neutral_600",
        block_label_text_color_dark="*neutral_300",
        block_title_text_color="*neutral_700",
        block_title_text_color_dark="*neutral_200",
        block_title_text_size="*text_sm",
        block_title_text_weight="600",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_300",
        border_color_primary="*neutral_200",
        border_color_primary_dark="*neutral_700",
        input_background_fill="#ffffff",
        input_background_fill_dark="*neutral_800",
        input_border_color="*neutral_300",
        input_border_color_dark="*neutral_600",
        input_border_color_focus="*primary_600",
        input_border_color_focus_dark="*primary_400",
        input_border_width="1px",
        input_placeholder_color="*neutral_600",
        input_placeholder_color_dark="*neutral_300",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_dark="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_hover_dark="*primary_700",
        button_primary_text_color="#ffffff",
        button_secondary_background_fill="#ffffff",
        button_secondary_background_fill_dark="*neutral_800",
        button_secondary_background_fill_hover="*neutral_100",
        button_secondary_background_fill_hover_dark="*neutral_700",
        button_secondary_border_color="*neutral_300",
        button_secondary_border_color_dark="*neutral_600",
        button_border_width="1px",
        checkbox_label_background_fill="transparent",
        checkbox_label_background_fill_dark="transparent",
        checkbox_label_background_fill_hover="*neutral_100",
        checkbox_label_background_fill_hover_dark="*neutral_800",
        checkbox_label_background_fill_selected="transparent",
        checkbox_label_background_fill_selected_dark="transparent",
        checkbox_label_border_width="0px",
        checkbox_label_border_width_dark="0px",
        checkbox_label_text_color_selected="*neutral_900",
        checkbox_label_text_color_selected_dark="*neutral_100",
        checkbox_border_color="*neutral_500",
        checkbox_border_color_dark="*neutral_400",
        checkbox_background_color_selected="*primary_600",
        checkbox_background_color_selected_dark="*primary_500",
        slider_color="*primary_600",
        slider_color_dark="*primary_400",
        link_text_color="*primary_700",
        link_text_color_dark="*primary_300",
    )


def style_sheet() -> str:
    """The page's CSS, with a swatch in its class colour before every entry of the class legend, whatever the classes are."""
    colours = label_colours(PALETTE + 1)
    swatches = "\n".join(
        f"#visible label:nth-of-type({PALETTE}n + {i}) span::before {{ background: {css_colour(colours[i])}; }}"
        for i in range(1, PALETTE + 1)
    )
    return f"{source('page/page.css')}\n{swatches}\n"
