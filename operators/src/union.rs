//! `union`: the rows of several inputs, as they come.

use streaming::Result;
use streaming::batch::Batch;
use streaming::job::Options;
use streaming::operator::{Descriptor, Keyed, Operator, OperatorContext, OperatorFactory, Port, Rows};

/// Makes union operators.
pub struct Union;

struct UnionOperator;

impl Operator for UnionOperator {
    fn process(&mut self, _port: Port, batch: Batch, cx: &mut OperatorContext<'_>) -> Result<()> {
        cx.emit(batch);
        Ok(())
    }
}

impl OperatorFactory for Union {
    fn name(&self) -> &'static str {
        "union"
    }

    fn describe(&self, _options: &mut Options) -> Descriptor {
        Descriptor {
            inputs: Rows::Any,
            outputs: Rows::Any,
            side_outputs: &[],
            keyed: Keyed::No,
        }
    }

    fn build(&self, _options: &mut Options) -> Result<Box<dyn Operator>> {
        Ok(Box::new(UnionOperator))
    }
}
