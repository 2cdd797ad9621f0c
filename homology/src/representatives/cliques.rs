//! All cliques of a graph as a filtered complex.

use super::graph::GrowingGraph;
use crate::Result;
use crate::filtered_complex::{FilteredComplex, Skeleton};
use crate::filtration::rips::RankedEdges;
use crate::limits::Meter;

/// The cliques of up to `most >= 2` vertices, each with the length of its longest edge.
///
/// A clique is made from the one without its largest vertex. So cliques are found again by extensions: what extends the
/// clique at a place of one dimension by a vertex is at the place of that item in the dimension above.
pub(super) fn expand(edges: &RankedEdges, most: usize, meter: &mut Meter) -> Result<FilteredComplex> {
    let graph = GrowingGraph::new(edges, meter)?;
    let mut complex = FilteredComplex::default();
    let mut vertices = Skeleton::new(0);
    for vertex in 0..edges.vertices as u32 {
        vertices.push(&[vertex], 0.0, &[], meter)?;
    }
    complex.push(vertices, meter)?;
    let mut levels = vec![upper_neighbors(&graph, meter)?];
    graph.free(meter);
    for dimension in 1..most {
        let skeleton = cliques(&complex, dimension, &levels, meter)?;
        if skeleton.len() == 0 {
            break;
        }
        if dimension + 1 < most {
            let next = next_level(&levels, meter)?;
            levels.push(next);
        }
        complex.push(skeleton, meter)?;
    }
    levels.into_iter().for_each(|level| level.free(meter));
    Ok(complex)
}

/// By which larger vertices each clique of one dimension can be extended.
struct Extensions {
    /// Those of the clique at place `p` are at `starts[p]..starts[p + 1]`, by ascending vertex.
    starts: Vec<usize>,
    items: Vec<Extension>,
}

#[derive(Debug, Clone, Copy)]
struct Extension {
    vertex: u32,
    /// Of the longest edge from the vertex to the clique.
    length: f64,
}

impl Extensions {
    fn new(meter: &mut Meter) -> Result<Self> {
        let mut starts = Vec::new();
        meter.push(&mut starts, 0)?;
        Ok(Self {
            starts,
            items: Vec::new(),
        })
    }

    fn of(&self, place: usize) -> &[Extension] {
        &self.items[self.starts[place]..self.starts[place + 1]]
    }

    /// Where the clique at `place` extended by `vertex` is in the dimension above.
    fn find(&self, place: usize, vertex: u32) -> Option<usize> {
        let found = self.of(place).binary_search_by_key(&vertex, |item| item.vertex);
        found.ok().map(|at| self.starts[place] + at)
    }

    /// Ends the extensions of one clique and begins those of the next.
    fn end(&mut self, meter: &mut Meter) -> Result<()> {
        meter.push(&mut self.starts, self.items.len())
    }

    fn free(self, meter: &mut Meter) {
        meter.free(self.starts);
        meter.free(self.items);
    }
}

fn upper_neighbors(graph: &GrowingGraph<'_>, meter: &mut Meter) -> Result<Extensions> {
    let mut upper = Extensions::new(meter)?;
    for vertex in 0..graph.vertices() as u32 {
        let start = upper.items.len();
        let neighbors = graph.neighbors_before(vertex, u32::MAX);
        meter.work(neighbors.len())?;
        for neighbor in neighbors.iter().filter(|neighbor| neighbor.vertex > vertex) {
            let length = graph.length(neighbor.edge);
            let vertex = neighbor.vertex;
            meter.push(&mut upper.items, Extension { vertex, length })?;
        }
        upper.items[start..].sort_unstable_by_key(|item| item.vertex);
        upper.end(meter)?;
    }
    Ok(upper)
}

/// The cliques of `dimension`, which extend those of the dimension below.
fn cliques(complex: &FilteredComplex, dimension: usize, levels: &[Extensions], meter: &mut Meter) -> Result<Skeleton> {
    let below = complex.skeleton(dimension - 1);
    let mut skeleton = Skeleton::new(dimension);
    let (mut simplex, mut facets) = (Vec::new(), Vec::new());
    for place in 0..below.len() {
        for item in levels[dimension - 1].of(place) {
            simplex.clear();
            simplex.extend_from_slice(below.simplex(place));
            simplex.push(item.vertex);
            facets.clear();
            if dimension == 1 {
                facets.push(item.vertex);
            } else {
                // Without a smaller vertex, it extends the facet of the smaller clique without that one.
                let extended = below.facets(place).iter().map(|facet| {
                    let found = levels[dimension - 2].find(*facet as usize, item.vertex);
                    found.expect("every face of a clique is a clique") as u32
                });
                facets.extend(extended);
            }
            facets.push(place as u32);
            meter.work(1)?;
            skeleton.push(&simplex, item.length.max(below.value(place)), &facets, meter)?;
        }
    }
    Ok(skeleton)
}

/// The extensions of the cliques that are the items of the last level.
fn next_level(levels: &[Extensions], meter: &mut Meter) -> Result<Extensions> {
    let (upper, last) = (&levels[0], &levels[levels.len() - 1]);
    let mut next = Extensions::new(meter)?;
    for place in 0..last.starts.len() - 1 {
        let items = last.of(place);
        for (at, item) in items.iter().enumerate() {
            let larger = &items[at + 1..];
            meter.work(larger.len())?;
            for other in larger {
                if let Some(edge) = upper.find(item.vertex as usize, other.vertex) {
                    let length = other.length.max(upper.items[edge].length);
                    let vertex = other.vertex;
                    meter.push(&mut next.items, Extension { vertex, length })?;
                }
            }
            next.end(meter)?;
        }
    }
    Ok(next)
}
