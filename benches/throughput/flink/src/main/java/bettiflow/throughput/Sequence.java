package bettiflow.throughput;

import java.io.Serializable;

/**
 * Row `i` of a sequence whose event time advances by 1 ms a row, with a random key and random coordinates.
 *
 * <p>Flink's number source gives every subtask one contiguous range. Taken as they are, the ranges would lie hours of event
 * time apart, and the windows of all but the first would wait for its end. So number `n`, the `n mod length`-th of its range,
 * stands for row `(n mod length) * ranges + n / length`: all ranges advance side by side, as those of our generator do.
 */
final class Sequence implements Serializable {
    private static final long serialVersionUID = 1L;
    private static final long GOLDEN_GAMMA = 0x9E3779B97F4A7C15L;

    private final long ranges;
    private final long length;
    private final long keys;

    /** `rows` must be a multiple of `ranges`. */
    Sequence(long rows, int ranges, long keys) {
        this.ranges = ranges;
        this.length = rows / ranges;
        this.keys = keys;
    }

    long eventTime(long number) {
        return number % length * ranges + number / length;
    }

    /** Uniform over the keys, from the upper 32 random bits. */
    long key(long number) {
        return (mix(number * 4) >>> 32) * keys >>> 32;
    }

    /** Uniform over [0, 1); `axis` is 1, 2 or 3. */
    double coordinate(long number, int axis) {
        return (mix(number * 4 + axis) >>> 11) * 0x1.0p-53;
    }

    /** SplitMix64. */
    private static long mix(long counter) {
        long z = counter * GOLDEN_GAMMA;
        z = (z ^ z >>> 30) * 0xBF58476D1CE4E5B9L;
        z = (z ^ z >>> 27) * 0x94D049BB133111EBL;
        return z ^ z >>> 31;
    }
}
