//! Colours: told apart by people with any kind of colour vision (after Okabe and Ito), on light and on dark paper.

/// The number of classes `c0`, `c1`, ...; a series beyond takes the colour of an earlier one and another shape.
pub const COLOURS: usize = 6;

/// Plain properties rather than variables: programs other than browsers draw these files, too.
pub const CSS: &str = "
text { font-family: system-ui, 'Segoe UI', Helvetica, Arial, sans-serif; fill: #24292f; }
.title { font-size: 16px; font-weight: 600; } .label { font-size: 12px; } .note { font-size: 11px; }
.tick { font-size: 11px; } .x { text-anchor: middle; } .y { text-anchor: end; }
.paper { fill: #ffffff; } .grid { stroke: #e4e8ec; } .axis { stroke: #57606a; }
.diagonal { stroke: #8c959f; } .never { stroke: #8c959f; stroke-dasharray: 4 3; }
.mark { fill-opacity: .72; stroke: #ffffff; stroke-width: .6; }
.c0 { fill: #0072b2; } .c1 { fill: #d55e00; } .c2 { fill: #009e73; }
.c3 { fill: #b5508f; } .c4 { fill: #a87400; } .c5 { fill: #555b66; }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; } .paper { fill: #0d1117; } .grid { stroke: #21262d; } .axis { stroke: #8b949e; }
.diagonal { stroke: #6e7681; } .never { stroke: #6e7681; } .mark { stroke: #0d1117; }
.c0 { fill: #56b4e9; } .c1 { fill: #ff8f45; } .c2 { fill: #2fd0a2; }
.c3 { fill: #e79ac6; } .c4 { fill: #f0c64b; } .c5 { fill: #aeb6c2; }
}
";
