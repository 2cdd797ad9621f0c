//! From what the witnesses say to a filtered complex.

use super::lowering::value;
use super::numbering::Numbering;
use super::table::Table;
use crate::Result;
use crate::filtered_complex::{FilteredComplex, Skeleton};
use crate::limits::Meter;

/// The complex in which each simplex enters with the latest of its faces, all of which must be there.
///
/// `tables` hold the reversed values of the simplices of dimension 0, 1, … by the witnesses alone.
pub(super) fn close(numbering: &Numbering, tables: &[Table], meter: &mut Meter) -> Result<FilteredComplex> {
    let mut complex = FilteredComplex::default();
    // Where each simplex of the dimension below is, counted from 1.
    let mut places: Option<Table> = None;
    for (dimension, table) in tables.iter().enumerate() {
        let mut skeleton = Skeleton::new(dimension);
        let below = complex.last_values();
        let mut own_places = Table::new(numbering.count(dimension + 1), meter)?;
        let entries = table.entries(meter)?;
        let mut simplex = vec![0; dimension + 1];
        let mut facets = vec![0; if dimension == 0 { 0 } else { dimension + 1 }];
        for (number, reversed) in &entries {
            meter.work(1)?;
            numbering.vertices(*number, &mut simplex);
            if let Some(places) = &places
                && !find_facets(numbering, &simplex, places, &mut facets)
            {
                continue;
            }
            let latest = facets
                .iter()
                .map(|facet| below[*facet as usize])
                .fold(value(*reversed), f64::max);
            skeleton.push(&simplex, latest, &facets, meter)?;
            own_places.insert(*number, skeleton.len() as u64, meter)?;
        }
        meter.free(entries);
        complex.push(skeleton, meter)?;
        if let Some(places) = places.replace(own_places) {
            places.free(meter);
        }
    }
    if let Some(places) = places {
        places.free(meter);
    }
    Ok(complex)
}

/// Writes where the facets are, first that without the first vertex; false if one is missing.
fn find_facets(numbering: &Numbering, simplex: &[u32], places: &Table, facets: &mut [u32]) -> bool {
    let mut below = numbering.number(simplex);
    let mut above = 0;
    for left_out in (0..simplex.len()).rev() {
        below -= numbering.part(simplex[left_out], left_out + 1);
        let place = places.get(below + above);
        if place == 0 {
            return false;
        }
        facets[left_out] = (place - 1) as u32;
        if left_out > 0 {
            above += numbering.part(simplex[left_out], left_out);
        }
    }
    true
}
