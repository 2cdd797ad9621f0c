//! SVG elements, written one after the other.

use std::fmt::Write as _;

/// A rectangle of the page; its lower edge is where the horizontal axis lies.
#[derive(Debug, Clone, Copy)]
pub struct Frame {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

impl Frame {
    pub const fn new(x: f64, y: f64, width: f64, height: f64) -> Self {
        Self { x, y, width, height }
    }

    pub fn right(&self) -> f64 {
        self.x + self.width
    }

    pub fn bottom(&self) -> f64 {
        self.y + self.height
    }
}

pub struct Svg {
    text: String,
}

/// Writing to a string does not fail.
macro_rules! put {
    ($svg:expr, $($arguments:tt)*) => { let _ = writeln!($svg.text, $($arguments)*); };
}

impl Svg {
    pub fn new(width: f64, height: f64, css: &str) -> Self {
        let mut svg = Self { text: String::new() };
        put!(
            svg,
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">"#
        );
        put!(svg, "<style>{css}</style>");
        put!(svg, r#"<rect class="paper" width="{width}" height="{height}"/>"#);
        svg
    }

    pub fn finish(mut self) -> String {
        self.text.push_str("</svg>\n");
        self.text
    }

    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), class: &str) {
        put!(
            self,
            r#"<line class="{class}" x1="{:.1}" y1="{:.1}" x2="{:.1}" y2="{:.1}"/>"#,
            from.0,
            from.1,
            to.0,
            to.1
        );
    }

    pub fn rectangle(&mut self, frame: Frame, class: &str) {
        let Frame { x, y, width, height } = frame;
        put!(
            self,
            r#"<rect class="{class}" x="{x:.1}" y="{y:.2}" width="{width:.1}" height="{height:.2}"/>"#
        );
    }

    pub fn text(&mut self, x: f64, y: f64, class: &str, text: &str) {
        put!(
            self,
            r#"<text class="{class}" x="{x:.1}" y="{y:.1}">{}</text>"#,
            escaped(text)
        );
    }

    /// Text that runs upwards.
    pub fn upward_text(&mut self, x: f64, y: f64, class: &str, text: &str) {
        put!(
            self,
            r#"<text class="{class}" transform="translate({x:.1} {y:.1}) rotate(-90)">{}</text>"#,
            escaped(text)
        );
    }

    /// The mark of a series: a colour and a shape of its own, so that either suffices to tell it.
    pub fn mark(&mut self, x: f64, y: f64, radius: f64, series: usize) {
        let class = format!("mark c{}", series % super::style::COLOURS);
        match series % 5 {
            0 => {
                put!(
                    self,
                    r#"<circle class="{class}" cx="{x:.1}" cy="{y:.1}" r="{:.1}"/>"#,
                    0.9 * radius
                );
            }
            1 => self.polygon(
                &class,
                x,
                y,
                radius,
                &[(-0.8, -0.8), (0.8, -0.8), (0.8, 0.8), (-0.8, 0.8)],
            ),
            2 => self.polygon(&class, x, y, radius, &[(0.0, -1.05), (1.0, 0.8), (-1.0, 0.8)]),
            3 => self.polygon(
                &class,
                x,
                y,
                radius,
                &[(0.0, -1.15), (1.15, 0.0), (0.0, 1.15), (-1.15, 0.0)],
            ),
            _ => self.polygon(&class, x, y, radius, &[(0.0, 1.05), (1.0, -0.8), (-1.0, -0.8)]),
        }
    }

    fn polygon(&mut self, class: &str, x: f64, y: f64, radius: f64, corners: &[(f64, f64)]) {
        let corners: Vec<String> = corners
            .iter()
            .map(|(dx, dy)| format!("{:.1},{:.1}", x + radius * dx, y + radius * dy))
            .collect();
        put!(self, r#"<polygon class="{class}" points="{}"/>"#, corners.join(" "));
    }

    /// The head of an arrow to the right, with its tip at `(x, y)`.
    pub fn arrow_head(&mut self, x: f64, y: f64, size: f64, class: &str) {
        self.polygon(class, x, y, size, &[(0.0, 0.0), (-1.4, -0.8), (-1.4, 0.8)]);
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
