package bettiflow.throughput;

import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichMapFunction;

/** Makes points with text keys, which are written once, as our generator does. */
final class NamedPointFunction extends RichMapFunction<Long, NamedPoint> {
    private static final long serialVersionUID = 1L;

    private final Sequence sequence;
    private final int keys;
    private final boolean reuse;
    private transient String[] names;
    private transient NamedPoint last;

    NamedPointFunction(Sequence sequence, int keys, boolean reuse) {
        this.sequence = sequence;
        this.keys = keys;
        this.reuse = reuse;
    }

    @Override
    public void open(OpenContext context) {
        names = new String[keys];
        for (int key = 0; key < keys; key++) {
            names[key] = "key-" + key;
        }
    }

    @Override
    public NamedPoint map(Long boxed) {
        long number = boxed;
        if (last == null || !reuse) {
            last = new NamedPoint();
        }
        last.key = names[(int) sequence.key(number)];
        last.eventTime = sequence.eventTime(number);
        last.x = sequence.coordinate(number, 1);
        last.y = sequence.coordinate(number, 2);
        last.z = sequence.coordinate(number, 3);
        return last;
    }
}
