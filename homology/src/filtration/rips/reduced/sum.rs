//! A sum of multiples of classes, taken apart from the youngest class on.

use std::collections::BinaryHeap;

use crate::Result;
use crate::field::Field;
use crate::limits::Meter;

/// A multiple of a class. Classes are numbered by birth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Term {
    pub class: u32,
    pub coefficient: u32,
}

#[derive(Debug, Default)]
pub(super) struct Sum {
    /// The coefficient of each class.
    coefficients: Vec<u32>,
    /// The classes whose coefficients may not be 0, each once.
    listed: BinaryHeap<u32>,
    is_listed: Vec<bool>,
}

impl Sum {
    /// Makes room for one more class.
    pub fn grow(&mut self, meter: &mut Meter) -> Result<()> {
        /// The place of a class on the heap, at the worst time of its growth.
        const ON_HEAP: usize = 12;
        meter.charge(ON_HEAP)?;
        meter.push(&mut self.coefficients, 0)?;
        meter.push(&mut self.is_listed, false)
    }

    pub fn add<F: Field>(&mut self, terms: &[Term], factor: u32, field: F) {
        for term in terms {
            let sum = &mut self.coefficients[term.class as usize];
            *sum = field.add(*sum, field.multiply(term.coefficient, factor));
            if !std::mem::replace(&mut self.is_listed[term.class as usize], true) {
                self.listed.push(term.class);
            }
        }
    }

    /// Takes the youngest class with a coefficient other than 0.
    pub fn pop(&mut self) -> Option<Term> {
        while let Some(class) = self.listed.pop() {
            self.is_listed[class as usize] = false;
            let coefficient = std::mem::take(&mut self.coefficients[class as usize]);
            if coefficient != 0 {
                return Some(Term { class, coefficient });
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;
    use crate::field::Prime;

    #[test]
    fn terms_come_out_youngest_first_and_cancel() {
        let mut sum = Sum::default();
        let mut meter = Meter::new(&Limits::default());
        (0..5).for_each(|_| sum.grow(&mut meter).unwrap());
        let field = Prime::new(5).unwrap();
        let term = |class, coefficient| Term { class, coefficient };
        sum.add(&[term(1, 2), term(4, 1), term(3, 3)], 2, field);
        sum.add(&[term(3, 4), term(0, 1)], 1, field);
        let taken: Vec<Term> = std::iter::from_fn(|| sum.pop()).collect();
        assert_eq!(taken, [term(4, 2), term(1, 4), term(0, 1)]);
    }
}
