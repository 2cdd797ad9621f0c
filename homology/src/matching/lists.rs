//! For each long point of one diagram, all points of the other within a distance.

use super::cover::Half;
use super::ground::Point;
use crate::Result;
use crate::limits::Meter;

/// Most pairs per point: with more of them the lists would be slower than a tree.
const MOST: usize = 64;

/// Lists of far points by near point, in no particular order.
#[derive(Debug)]
pub(super) struct Lists {
    start: Vec<u32>,
    targets: Vec<u32>,
}

impl Lists {
    /// All pairs of maximum norm at most `radius` between near points that are farther than `least` from the diagonal
    /// and far points; `None` if there are too many.
    ///
    /// * `radius` — positive
    pub fn new(near: &Half<'_>, far: &Half<'_>, least: f64, radius: f64, meter: &mut Meter) -> Result<Option<Self>> {
        let strips = Strips::new(&far.tree.points, radius, meter)?;
        let most = MOST * (near.mate.len() + far.mate.len());
        let mut lists = Self {
            start: meter.vec(near.mate.len() + 1)?,
            targets: Vec::new(),
        };
        lists.start.push(0);
        for (place, diagonal) in near.tree.points.iter().zip(&near.diagonal) {
            meter.work(1)?;
            if *diagonal > least {
                strips.within(*place, radius, |target| meter.push(&mut lists.targets, target))?;
            }
            lists.start.push(lists.targets.len() as u32);
            if lists.targets.len() > most {
                break;
            }
        }
        strips.free(meter);
        if lists.targets.len() > most {
            lists.free(meter);
            return Ok(None);
        }
        Ok(Some(lists))
    }

    pub fn free(self, meter: &mut Meter) {
        meter.free(self.start);
        meter.free(self.targets);
    }

    #[inline]
    pub fn targets(&self, point: u32) -> &[u32] {
        let at = point as usize;
        &self.targets[self.start[at] as usize..self.start[at + 1] as usize]
    }
}

/// The points by strips of equal births, and by death in each strip.
struct Strips {
    points: Vec<Strip>,
    width: f64,
}

#[derive(Debug, Clone, Copy)]
struct Strip {
    strip: f64,
    place: Point,
    point: u32,
}

impl Strips {
    fn new(points: &[Point], width: f64, meter: &mut Meter) -> Result<Self> {
        let mut strips = Self {
            points: meter.vec(points.len())?,
            width,
        };
        let all = points.iter().enumerate().map(|(point, place)| Strip {
            strip: (place[0] / width).floor(),
            place: *place,
            point: point as u32,
        });
        strips.points.extend(all);
        strips.points.sort_unstable_by(|x, y| {
            let by_strip = x.strip.total_cmp(&y.strip);
            by_strip
                .then(x.place[1].total_cmp(&y.place[1]))
                .then(x.point.cmp(&y.point))
        });
        Ok(strips)
    }

    fn free(self, meter: &mut Meter) {
        meter.free(self.points);
    }

    /// Calls `found` for every point within `radius`, at most the width of a strip.
    fn within(&self, from: Point, radius: f64, mut found: impl FnMut(u32) -> Result<()>) -> Result<()> {
        // A difference may exceed the radius by its rounding and count as equal to it.
        let reach = radius * (1.0 + 4.0 * f64::EPSILON);
        let first = ((from[0] - reach) / self.width).floor();
        let last = ((from[0] + reach) / self.width).floor();
        let mut rest = &self.points[self.points.partition_point(|point| point.strip < first)..];
        while let Some(strip) = rest.first().map(|point| point.strip).filter(|strip| *strip <= last) {
            let end = rest.partition_point(|point| point.strip <= strip);
            let (inside, after) = rest.split_at(end);
            rest = after;
            let start = inside.partition_point(|point| from[1] - point.place[1] > radius);
            for point in &inside[start..] {
                if point.place[1] - from[1] > radius {
                    break;
                }
                let length = (from[0] - point.place[0]).abs().max((from[1] - point.place[1]).abs());
                if length <= radius {
                    found(point.point)?;
                }
            }
        }
        Ok(())
    }
}
