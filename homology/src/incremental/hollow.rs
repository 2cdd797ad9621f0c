//! The shape of one link: a tree in each of its components, and the cycles that no triangle fills.

use super::bits::{self, WORD};
use super::elimination::Elimination;
use super::lengths::{Bound, Lengths};
use crate::Result;
use crate::limits::Meter;

/// A point of a lune and the next one on the way to the root of its component.
#[derive(Debug, Clone, Copy)]
pub(super) struct Branch {
    point: u32,
    parent: u32,
    component: u32,
}

/// A cycle as a list of edges.
pub(super) type Cycle = Box<[[u32; 2]]>;

/// What is known of a link; computed when it is asked for.
#[derive(Debug, Default)]
pub(super) struct Shape {
    /// Sorted by point.
    forest: Option<Box<[Branch]>>,
    /// A basis of the homology of degree 1.
    cycles: Option<Box<[Cycle]>>,
}

impl Shape {
    pub fn memory_bytes(&self) -> usize {
        let forest = self.forest.as_ref().map_or(0, |forest| size_of_val(&**forest));
        let cycles = self
            .cycles
            .iter()
            .flatten()
            .map(|cycle| size_of_val(&**cycle) + size_of::<Cycle>());
        forest + cycles.sum::<usize>()
    }

    /// The points from `start` to the root of its component, and the component.
    pub fn way(&mut self, start: u32, lengths: &Lengths, bound: Bound, roots: &[u32], way: &mut Vec<u32>) -> u32 {
        let forest = self.forest.get_or_insert_with(|| grow_forest(lengths, bound, roots));
        let branch = |point: u32| {
            let at = forest.binary_search_by_key(&point, |branch| branch.point);
            forest[at.expect("every point of a lune is in its forest")]
        };
        way.clear();
        let mut next = branch(start);
        way.push(start);
        while next.parent != next.point {
            way.push(next.parent);
            next = branch(next.parent);
        }
        next.component
    }

    /// A basis of the cycles of the link modulo its triangles. `None` if the link is too large to be worth it.
    pub fn cycles(&mut self, lengths: &Lengths, bound: Bound, meter: &mut Meter) -> Result<Option<&[Cycle]>> {
        if self.cycles.is_none() {
            self.cycles = Link::new(lengths, bound, meter)?.cycles(meter)?;
        }
        Ok(self.cycles.as_deref())
    }
}

/// A breadth-first tree from each root.
fn grow_forest(lengths: &Lengths, bound: Bound, roots: &[u32]) -> Box<[Branch]> {
    let mut unseen: Vec<u64> = (0..lengths.words()).map(|word| lengths.lune(bound, word)).collect();
    let mut forest = Vec::with_capacity(bits::count(&unseen));
    for (component, root) in (0..).zip(roots) {
        bits::remove(&mut unseen, *root);
        let mut next = forest.len();
        forest.push(Branch {
            point: *root,
            parent: *root,
            component,
        });
        while let Some(Branch { point: parent, .. }) = forest.get(next).copied() {
            next += 1;
            for (word, unseen) in unseen.iter_mut().enumerate().filter(|(_, unseen)| **unseen != 0) {
                let found = lengths.joined(parent, bound, word, *unseen);
                *unseen &= !found;
                forest.extend(bits::ones(found).map(|bit| Branch {
                    point: (word * WORD) as u32 + bit,
                    parent,
                    component,
                }));
            }
        }
    }
    forest.sort_unstable_by_key(|branch| branch.point);
    forest.into()
}

/// The clique complex on a lune, as the neighbourhood of each of its points.
struct Link {
    points: Vec<u32>,
    words: usize,
    /// Bit `j` of row `i` is set if `i` is `j` or joined to it; indices into `points`.
    closed: Vec<u64>,
    /// The points that are left.
    left: Vec<u64>,
}

impl Link {
    fn new(lengths: &Lengths, bound: Bound, meter: &mut Meter) -> Result<Self> {
        let lune: Vec<u64> = (0..lengths.words()).map(|word| lengths.lune(bound, word)).collect();
        let points: Vec<u32> = bits::elements(&lune).collect();
        let words = points.len().div_ceil(WORD);
        meter.work(points.len() * lune.len())?;
        let mut places = vec![0; lune.len() * WORD];
        for (place, point) in points.iter().enumerate() {
            places[*point as usize] = place as u32;
        }
        let mut closed = meter.vec(points.len() * words)?;
        closed.resize(points.len() * words, 0);
        for (row, point) in closed.chunks_exact_mut(words.max(1)).zip(&points) {
            bits::insert(row, places[*point as usize]);
            for (word, inside) in lune.iter().enumerate().filter(|(_, inside)| **inside != 0) {
                for bit in bits::ones(lengths.joined(*point, bound, word, *inside)) {
                    bits::insert(row, places[word * WORD + bit as usize]);
                }
            }
        }
        let mut left = vec![0; words];
        (0..points.len() as u32).for_each(|place| bits::insert(&mut left, place));
        Ok(Self {
            points,
            words,
            closed,
            left,
        })
    }

    fn row(&self, place: u32) -> &[u64] {
        &self.closed[place as usize * self.words..][..self.words]
    }

    /// The points that are left and joined to `place`, without itself.
    fn neighbors(&self, place: u32) -> impl Iterator<Item = u32> {
        self.row(place)
            .iter()
            .zip(&self.left)
            .enumerate()
            .flat_map(|(word, (row, left))| bits::ones(row & left).map(move |bit| (word * WORD) as u32 + bit))
            .filter(move |other| *other != place)
    }

    /// Removes points whose neighbourhood is part of that of a neighbour, as long as there are any (strong collapses,
    /// Barmak and Minian 2012); what is left has the same homotopy type.
    fn collapse(&mut self, meter: &mut Meter) -> Result<()> {
        loop {
            let mut changed = false;
            for place in bits::elements(&self.left.clone()) {
                meter.work(1)?;
                let dominated = self
                    .neighbors(place)
                    .any(|other| bits::is_part(self.row(place), &self.left, self.row(other)));
                if dominated {
                    bits::remove(&mut self.left, place);
                    changed = true;
                }
            }
            if !changed {
                return Ok(());
            }
        }
    }

    fn cycles(mut self, meter: &mut Meter) -> Result<Option<Box<[Cycle]>>> {
        /// Beyond this many edges outside of the tree, elimination would take longer than it saves.
        const MOST: usize = 4096;
        self.collapse(meter)?;
        let parents = self.parents();
        let places: Vec<u32> = bits::elements(&self.left).collect();
        let chord = |a: u32, b: u32| parents[a as usize] != b && parents[b as usize] != a;
        let mut chords = Vec::new();
        for &a in &places {
            chords.extend(self.neighbors(a).filter(|b| *b < a && chord(a, *b)).map(|b| [a, b]));
        }
        if chords.len() > MOST {
            return Ok(None);
        }
        let mut elimination = Elimination::new(chords.len(), meter)?;
        self.fill_triangles(&places, &chords, &mut elimination, meter)?;
        let open = (0..chords.len()).filter(|row| !elimination.is_paired(*row));
        let cycles = open.map(|row| self.fundamental_cycle(chords[row], &parents)).collect();
        elimination.free(meter);
        meter.free(self.closed);
        Ok(Some(cycles))
    }

    /// The parent of each point in breadth-first trees; roots are their own parents.
    fn parents(&self) -> Vec<u32> {
        const UNSEEN: u32 = u32::MAX;
        let mut parents = vec![UNSEEN; self.points.len()];
        let mut queue = Vec::new();
        for root in bits::elements(&self.left) {
            if parents[root as usize] != UNSEEN {
                continue;
            }
            parents[root as usize] = root;
            queue.push(root);
            let mut next = queue.len() - 1;
            while let Some(place) = queue.get(next).copied() {
                next += 1;
                for other in self.neighbors(place) {
                    if parents[other as usize] == UNSEEN {
                        parents[other as usize] = place;
                        queue.push(other);
                    }
                }
            }
        }
        parents
    }

    /// Eliminates the boundaries of all triangles, written in the chords, which are sorted.
    fn fill_triangles(
        &self,
        places: &[u32],
        chords: &[[u32; 2]],
        into: &mut Elimination,
        meter: &mut Meter,
    ) -> Result<()> {
        for &a in places {
            for b in self.neighbors(a).filter(|b| *b < a) {
                for c in self.neighbors(b).filter(|c| *c < b && bits::contains(self.row(a), *c)) {
                    if into.unpaired() == 0 {
                        return Ok(());
                    }
                    meter.work(1)?;
                    let mut column = into.empty_column();
                    for side in [[a, b], [a, c], [b, c]] {
                        if let Ok(row) = chords.binary_search(&side) {
                            bits::toggle(&mut column, row as u32);
                        }
                    }
                    into.reduce(&mut column, meter)?;
                }
            }
        }
        Ok(())
    }

    /// A chord and the ways from its ends to where they meet in the tree.
    fn fundamental_cycle(&self, chord: [u32; 2], parents: &[u32]) -> Cycle {
        let way = |mut place: u32| {
            let mut way = vec![place];
            while parents[place as usize] != place {
                place = parents[place as usize];
                way.push(place);
            }
            way
        };
        let mut ways = chord.map(way);
        // The common end of both ways leads nowhere.
        while let [[.., a, x], [.., b, y]] = [&ways[0][..], &ways[1][..]]
            && x == y
            && a == b
        {
            ways.iter_mut().for_each(|way| {
                way.pop();
            });
        }
        let point = |place: u32| self.points[place as usize];
        let steps = ways
            .iter()
            .flat_map(|way| way.windows(2).map(|step| [point(step[0]), point(step[1])]));
        std::iter::once(chord.map(point)).chain(steps).collect()
    }
}
