//! The options of the window operator, read into one of a few kinds of windows.

use std::time::Duration;

use streaming::batch::WindowKind;
use streaming::job::{Options, Value, ValueKind, parse_duration};
use streaming::time::micros;

use super::assign::Aligned;

/// A window operator, as the job file describes it. Durations are in microseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spec {
    pub windows: WindowSpec,
    pub kind: WindowKind,
    /// Whether points are kept, or only counted.
    pub keeps_points: bool,
    /// Most points that are kept per key in one pane, session or global window.
    pub max_points: u64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum WindowSpec {
    Aligned {
        windows: Aligned,
        time: Time,
        lateness: i64,
    },
    Session {
        gap: i64,
        time: Time,
        lateness: i64,
    },
    Count(CountSpec),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CountSpec {
    /// Points per window; `None` for all there are.
    pub size: Option<u64>,
    /// New points between two windows; `None` to wait for the end.
    pub slide: Option<u64>,
    /// Processing time without a new point after which a window is closed.
    pub timeout: Option<Duration>,
}

/// Which clock closes windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Time {
    Event,
    Processing,
}

/// The length of a window: a duration counts time, a whole number counts points.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Extent {
    Time(i64),
    Points(u64),
}

const DEFAULT_MAX_POINTS: i64 = 1_000_000;
const MOST_POINTS: i64 = 1 << 32;

impl Spec {
    /// Reads every option; `None` where a problem was noted.
    pub fn read(options: &mut Options) -> Option<Self> {
        let lateness = options.duration("allowed-lateness");
        let aggregate = options.one_of("aggregate", &["points", "count"]).unwrap_or("points");
        let max_points = options
            .integer("max-points", 1..=MOST_POINTS)
            .unwrap_or(DEFAULT_MAX_POINTS) as u64;
        if !options.has("window") {
            options.take("window");
            options.problem(
                "window",
                "window is missing; for example: window = { kind = \"tumbling\", size = \"60s\" }",
            );
            return None;
        }
        let mut table = options.table("window")?;
        let read = read_window(&mut table, micros(lateness.unwrap_or_default()));
        table.finish();
        let (windows, kind) = read?;
        if lateness.is_some_and(|lateness| !lateness.is_zero()) && !is_event_time(&windows) {
            options.problem(
                "allowed-lateness",
                "only windows of event time know late rows; leave it out",
            );
            return None;
        }
        if let WindowSpec::Count(CountSpec { size: Some(size), .. }) = windows
            && size > max_points
        {
            options.problem(
                "max-points",
                format_args!("a window of {size} points needs max-points of at least {size}"),
            );
            return None;
        }
        Some(Self {
            windows,
            kind,
            keeps_points: aggregate == "points",
            max_points,
        })
    }
}

fn is_event_time(windows: &WindowSpec) -> bool {
    matches!(
        windows,
        WindowSpec::Aligned { time: Time::Event, .. } | WindowSpec::Session { time: Time::Event, .. }
    )
}

fn read_window(table: &mut Options, lateness: i64) -> Option<(WindowSpec, WindowKind)> {
    if !table.has("kind") {
        table.problem("kind", "kind is missing; one of tumbling, sliding, session, global");
    }
    let kind = table.one_of("kind", &["tumbling", "sliding", "session", "global"]);
    let time = match table.one_of("time", &["event", "processing"]) {
        Some("processing") => Time::Processing,
        _ => Time::Event,
    };
    let size = extent(table, "size");
    let slide = extent(table, "slide");
    let gap = extent(table, "gap");
    let offset = table.duration("offset").map(micros);
    let timeout = table.duration("timeout");
    if timeout.is_some_and(|timeout| timeout.is_zero()) {
        table.problem("timeout", "a timeout of 0 would close every window at once");
        return None;
    }
    let kind = kind?;
    if kind != "sliding" {
        unused(table, kind, "slide");
    }
    if kind != "session" {
        unused(table, kind, "gap");
    } else {
        unused(table, kind, "size");
    }
    match kind {
        "tumbling" => {
            let size = required(table, "size", size)?;
            sliced(
                table,
                size,
                size,
                [WindowKind::Tumbling, WindowKind::Count],
                time,
                offset,
                timeout,
                lateness,
            )
        }
        "sliding" => {
            let (size, slide) = (required(table, "size", size), required(table, "slide", slide));
            let kinds = [WindowKind::Sliding, WindowKind::SlidingCount];
            sliced(table, size?, slide?, kinds, time, offset, timeout, lateness)
        }
        "session" => {
            unused(table, kind, "offset");
            match required(table, "gap", gap)? {
                Extent::Time(gap) => Some((WindowSpec::Session { gap, time, lateness }, WindowKind::Session)),
                Extent::Points(_) => {
                    table.problem(
                        "gap",
                        "a session ends after a time without points: expected a duration such as \"30s\"",
                    );
                    None
                }
            }
        }
        _ => {
            unused(table, kind, "offset");
            unused(table, kind, "time");
            let slide = match size {
                None if table.has("size") => return None,
                None => None,
                Some(Extent::Points(points)) => Some(points),
                Some(Extent::Time(_)) => {
                    table.problem(
                        "size",
                        "a global window is shown after a number of points: expected a whole number",
                    );
                    return None;
                }
            };
            Some((
                WindowSpec::Count(CountSpec {
                    size: None,
                    slide,
                    timeout,
                }),
                WindowKind::Global,
            ))
        }
    }
}

#[expect(clippy::too_many_arguments, reason = "these are the options of one table")]
fn sliced(
    table: &Options,
    size: Extent,
    slide: Extent,
    [by_time, by_count]: [WindowKind; 2],
    time: Time,
    offset: Option<i64>,
    timeout: Option<Duration>,
    lateness: i64,
) -> Option<(WindowSpec, WindowKind)> {
    match (size, slide) {
        // A timeout says nothing here: time closes these windows, with or without new points. It is allowed, so that one
        // job file serves both meanings of a window's size.
        (Extent::Time(size), Extent::Time(slide)) if slide <= size => {
            let windows = Aligned::new(size, slide, offset.unwrap_or(0).rem_euclid(slide));
            Some((
                WindowSpec::Aligned {
                    windows,
                    time,
                    lateness,
                },
                by_time,
            ))
        }
        (Extent::Points(size), Extent::Points(slide)) if slide <= size => {
            if table.has("offset") {
                table.problem("offset", "windows that count points have no offset");
            }
            Some((
                WindowSpec::Count(CountSpec {
                    size: Some(size),
                    slide: Some(slide),
                    timeout,
                }),
                by_count,
            ))
        }
        (Extent::Time(_), Extent::Time(_)) | (Extent::Points(_), Extent::Points(_)) => {
            table.problem(
                "slide",
                "slide is larger than size: points in between would be in no window",
            );
            None
        }
        _ => {
            table.problem(
                "slide",
                "size and slide must both be durations or both be numbers of points",
            );
            None
        }
    }
}

fn unused(table: &Options, kind: &str, name: &str) {
    if table.has(name) {
        table.problem(name, format_args!("windows of kind {kind:?} have no {name}"));
    }
}

fn required(table: &Options, name: &'static str, extent: Option<Extent>) -> Option<Extent> {
    if extent.is_none() && !table.has(name) {
        table.problem(
            name,
            format_args!("{name} is missing; a duration such as \"60s\", or a number of points"),
        );
    }
    extent
}

fn extent(table: &mut Options, name: &'static str) -> Option<Extent> {
    let value = table.take(name)?;
    let extent = read_extent(&value);
    if extent.is_none() {
        let found = value.describe();
        table.problem(
            name,
            format_args!("expected a duration such as \"60s\" or a number of points above 0, found {found}"),
        );
    }
    extent
}

fn read_extent(value: &Value) -> Option<Extent> {
    match &value.kind {
        ValueKind::Integer(points) => points_extent(*points),
        ValueKind::String(text) => match text.trim().parse::<i64>() {
            // From the command line a number comes as text.
            Ok(points) => points_extent(points),
            Err(_) => parse_duration(text)
                .map(micros)
                .filter(|micros| *micros > 0)
                .map(Extent::Time),
        },
        _ => None,
    }
}

fn points_extent(points: i64) -> Option<Extent> {
    (1..=MOST_POINTS)
        .contains(&points)
        .then_some(Extent::Points(points as u64))
}
