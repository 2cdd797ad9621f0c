//! The Vietoris–Rips filtration: a simplex enters at the length of its longest edge.

mod apparent;
mod collapse;
mod dense;
mod edges;
mod graph;
mod mode;
pub(crate) mod reduced;
mod sparse;
mod unpaired;

use std::borrow::Cow;

pub(crate) use apparent::Complex;
pub(crate) use collapse::collapse;
pub(crate) use graph::{Graph, NEVER, Neighbor};
pub use mode::Mode;
pub(crate) use unpaired::for_each_unpaired;

use crate::components;
use crate::diagram::Pair;
use crate::distance::{Distances, spatial_order, with_distances};
use crate::field::{Field, Prime, Two};
use crate::limits::Meter;
use crate::reduction;
use crate::simplex::{Key, Layout};
use crate::{Diagram, DistanceMatrix, Error, Limits, Metric, Persistence, PointCloud, Result, SparseEdges, Usage};
use dense::DenseGraph;
pub(crate) use edges::{RankedEdges, enclosing_radius, few_are_near};
use sparse::SparseGraph;

/// Persistent homology of the Vietoris–Rips filtration over Z/p.
///
/// Vertices enter at 0, an edge at its distance, a simplex at its longest edge. Implicit persistent cohomology after
/// Ripser (Bauer, *Ripser: efficient computation of Vietoris–Rips persistence barcodes*, 2021): cofacets are
/// enumerated and never stored, negative simplices are cleared, apparent and emergent pairs are recognised. Up to
/// dimension 1 clouds and matrices take the reduced filtration, which needs no triangles: a million points in the plane
/// are within reach.
#[derive(Debug, Clone, PartialEq)]
pub struct VietorisRips {
    /// The highest dimension of homology; simplices one dimension higher count.
    pub max_dimension: usize,
    /// Simplices longer than this are left out; `None` computes the whole filtration. Inclusive.
    pub threshold: Option<f64>,
    /// The prime p of the coefficient field Z/p.
    pub coefficients: u16,
    /// How points are compared; not used for matrices and edges.
    pub metric: Metric,
    /// How the diagram is computed.
    pub mode: Mode,
    /// Most threads that may work at one time; 0 is as good as 1. The diagram is the same for every number.
    pub threads: usize,
}

impl VietorisRips {
    /// Euclidean, over Z/2, without a threshold, on one thread.
    pub fn to_dimension(max_dimension: usize) -> Self {
        Self {
            max_dimension,
            threshold: None,
            coefficients: 2,
            metric: Metric::default(),
            mode: Mode::Auto,
            threads: 1,
        }
    }

    /// The diagram of a point cloud, and what it took.
    ///
    /// Fails if the parameters are not valid, if a distance overflows, or at a limit.
    pub fn of_cloud(&self, cloud: PointCloud<'_>, limits: &Limits) -> Result<(Diagram, Usage)> {
        let mut meter = Meter::new(limits);
        let distinct = distinct_rows(cloud, self.threshold.is_some(), &mut meter)?;
        let cloud = PointCloud::new(&distinct, cloud.dimension())?;
        if let Some(pairs) = self.reduce_cloud(cloud, &mut meter)? {
            return Ok((Diagram::new(pairs), meter.usage()));
        }
        let pairs = with_distances!(cloud, self.metric, &mut meter, |distances| self
            .of_distances(distances, &mut meter));
        Ok((Diagram::new(pairs?), meter.usage()))
    }

    /// The diagram of a distance matrix, and what it took.
    pub fn of_matrix(&self, matrix: &DistanceMatrix, limits: &Limits) -> Result<(Diagram, Usage)> {
        let mut meter = Meter::new(limits);
        let pairs = self.of_distances(matrix, &mut meter)?;
        Ok((Diagram::new(pairs), meter.usage()))
    }

    /// The diagram of the clique complex of a weighted graph, and what it took.
    pub fn of_edges(&self, edges: &SparseEdges, limits: &Limits) -> Result<(Diagram, Usage)> {
        let mut meter = Meter::new(limits);
        let threshold = self.valid_threshold()?.unwrap_or(f64::MAX);
        let ranked = RankedEdges::of_sparse(edges, threshold, &mut meter)?;
        let pairs = self.of_ranked(ranked, &mut meter)?;
        Ok((Diagram::new(pairs), meter.usage()))
    }

    fn of_distances(&self, distances: &impl Distances, meter: &mut Meter) -> Result<Vec<Pair>> {
        let threshold = self.valid_threshold()?.unwrap_or(f64::MAX);
        if few_are_near(distances, threshold)
            && let Some(ranked) = RankedEdges::of_near_pairs(distances, threshold, meter)?
        {
            return self.of_ranked(ranked, meter);
        }
        // Beyond the enclosing radius the complex is a cone, and nothing is born or dies any more.
        let threshold = threshold.min(enclosing_radius(distances, meter)?);
        if let Some(pairs) = self.reduce_distances(distances, threshold, meter)? {
            return Ok(pairs);
        }
        let ranked = RankedEdges::of_distances(distances, threshold, meter)?;
        self.of_ranked(ranked, meter)
    }

    pub(crate) fn valid_threshold(&self) -> Result<Option<f64>> {
        match self.threshold {
            Some(found) if found.is_nan() || found < 0.0 => Err(Error::InvalidThreshold { found }),
            threshold => Ok(threshold),
        }
    }

    fn of_ranked(&self, edges: RankedEdges, meter: &mut Meter) -> Result<Vec<Pair>> {
        match self.coefficients {
            2 => self.over_field(Two, edges, meter),
            p => self.over_field(Prime::new(p)?, edges, meter),
        }
    }

    fn over_field<F: Field>(&self, field: F, edges: RankedEdges, meter: &mut Meter) -> Result<Vec<Pair>> {
        let edges = if self.mode.collapses(self.max_dimension) {
            collapse(edges, self.threads, meter)?
        } else {
            edges
        };
        let edges = edges.with_unique_ranks(meter)?;
        if self.mode.prefers_matrix(&edges) {
            let graph = DenseGraph::new(&edges, meter)?;
            self.over_graph(field, graph, edges, meter)
        } else {
            let graph = SparseGraph::new(&edges, meter)?;
            self.over_graph(field, graph, edges, meter)
        }
    }

    fn over_graph<F: Field, G: Graph>(
        &self,
        field: F,
        graph: G,
        edges: RankedEdges,
        meter: &mut Meter,
    ) -> Result<Vec<Pair>> {
        // No clique has more vertices than the largest degree plus one, however many dimensions are asked for.
        let largest_clique = edges.largest_degree() + 1;
        let max_dimension = self.max_dimension.min(largest_clique - 1).min(u8::MAX as usize);
        let simplex_vertices = (max_dimension + 2).min(largest_clique).max(2);
        let layout = Layout::new(field, edges.vertices, simplex_vertices, edges.values.len())?;
        let complex = Complex::new(graph, layout, &edges, meter)?;
        if layout.bits() < u64::BITS {
            self.over_keys::<u64, F, G>(complex, max_dimension, edges, meter)
        } else {
            self.over_keys::<u128, F, G>(complex, max_dimension, edges, meter)
        }
    }

    fn over_keys<K: Key, F: Field, G: Graph>(
        &self,
        complex: Complex<G, F>,
        max_dimension: usize,
        edges: RankedEdges,
        meter: &mut Meter,
    ) -> Result<Vec<Pair>> {
        let mut pairs = Vec::new();
        let columns = components::pair(&edges, &complex, max_dimension > 0, &mut pairs, meter)?;
        let RankedEdges { edges, values, .. } = edges;
        meter.free(edges);
        reduction::reduce::<K, F, G>(&complex, columns, max_dimension, &values, &mut pairs, meter)?;
        complex.free(meter);
        meter.free(values);
        Ok(pairs)
    }
}

impl Persistence for VietorisRips {
    fn diagram(&self, cloud: PointCloud<'_>, limits: &Limits) -> Result<Diagram> {
        self.of_cloud(cloud, limits).map(|(diagram, _)| diagram)
    }
}

/// The rows without repetitions. A repeated row is at distance 0 of the first and as far from all others, so that it
/// adds pairs of length 0 only, but as many simplices as any other row. If `spatially`, near rows come near each other.
fn distinct_rows<'a>(cloud: PointCloud<'a>, spatially: bool, meter: &mut Meter) -> Result<Cow<'a, [f64]>> {
    let mut order: Vec<u32> = meter.vec(cloud.len())?;
    order.extend(0..vertex_count(cloud.len())?);
    let row = |index: u32| cloud.row(index as usize);
    let compare = |a: &[f64], b: &[f64]| a.partial_cmp(b).expect("coordinates of a point cloud are finite");
    order.sort_unstable_by(|a, b| compare(row(*a), row(*b)).then(a.cmp(b)));
    order.dedup_by(|later, first| row(*later) == row(*first));
    let mut distinct = Cow::Borrowed(cloud.coordinates());
    if order.len() < cloud.len() {
        order.sort_unstable();
        distinct = Cow::Owned(rows_of(cloud, &order, meter)?);
    }
    meter.free(order);
    if spatially {
        let cloud = PointCloud::new(&distinct, cloud.dimension())?;
        let order = spatial_order(cloud, meter)?;
        let arranged = rows_of(cloud, &order, meter)?;
        meter.free(order);
        if let Cow::Owned(rows) = distinct {
            meter.free(rows);
        }
        return Ok(Cow::Owned(arranged));
    }
    Ok(distinct)
}

fn rows_of(cloud: PointCloud<'_>, order: &[u32], meter: &mut Meter) -> Result<Vec<f64>> {
    let mut rows = meter.vec(order.len() * cloud.dimension())?;
    order
        .iter()
        .for_each(|index| rows.extend_from_slice(cloud.row(*index as usize)));
    Ok(rows)
}

/// The number of vertices as the integer that indexes them.
fn vertex_count(points: usize) -> Result<u32> {
    u32::try_from(points).map_err(|_| Error::TooManyPoints {
        found: points,
        limit: u32::MAX as usize,
    })
}
