package bettiflow.throughput;

import org.apache.flink.api.common.functions.MapFunction;

/** Makes points; one object for all of them when Flink may reuse objects. */
final class PointFunction implements MapFunction<Long, Point> {
    private static final long serialVersionUID = 1L;

    private final Sequence sequence;
    private final boolean reuse;
    private transient Point last;

    PointFunction(Sequence sequence, boolean reuse) {
        this.sequence = sequence;
        this.reuse = reuse;
    }

    @Override
    public Point map(Long boxed) {
        long number = boxed;
        if (last == null || !reuse) {
            last = new Point();
        }
        last.key = sequence.key(number);
        last.eventTime = sequence.eventTime(number);
        last.x = sequence.coordinate(number, 1);
        last.y = sequence.coordinate(number, 2);
        last.z = sequence.coordinate(number, 3);
        return last;
    }
}
