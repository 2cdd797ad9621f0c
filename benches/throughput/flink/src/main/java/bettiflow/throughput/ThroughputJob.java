package bettiflow.throughput;

import java.time.Duration;
import org.apache.flink.api.common.eventtime.SerializableTimestampAssigner;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.functions.KeySelector;
import org.apache.flink.api.connector.source.lib.NumberSequenceSource;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;
import org.apache.flink.util.ParameterTool;

/**
 * Generate, exchange by key, count per tumbling window, discard.
 *
 * <p>Arguments: --rows N --keys K --window-seconds S --parallelism P --key-type long|text --object-reuse true|false. Where it
 * runs and everything else comes from config.yaml in FLINK_CONF_DIR.
 */
public final class ThroughputJob {
    private ThroughputJob() {}

    public static void main(String[] arguments) throws Exception {
        ParameterTool options = ParameterTool.fromArgs(arguments);
        int parallelism = options.getInt("parallelism");
        long rows = options.getLong("rows");
        int keys = options.getInt("keys");
        Duration window = Duration.ofSeconds(options.getLong("window-seconds"));
        boolean reuse = options.getBoolean("object-reuse");
        if (rows % parallelism != 0) {
            throw new IllegalArgumentException("rows must be a multiple of the parallelism");
        }
        Sequence sequence = new Sequence(rows, parallelism, keys);

        StreamExecutionEnvironment environment = StreamExecutionEnvironment.getExecutionEnvironment();
        environment.setParallelism(parallelism);
        if (reuse) {
            environment.getConfig().enableObjectReuse();
        }
        if (options.get("key-type").equals("text")) {
            NamedPointFunction points = new NamedPointFunction(sequence, keys, reuse);
            build(environment, rows, window, points, NamedPoint.class, (p, before) -> p.eventTime, p -> p.key, Types.STRING);
        } else {
            PointFunction points = new PointFunction(sequence, reuse);
            build(environment, rows, window, points, Point.class, (p, before) -> p.eventTime, p -> p.key, Types.LONG);
        }
        environment.execute("throughput");
    }

    private static <T, K> void build(
            StreamExecutionEnvironment environment,
            long rows,
            Duration window,
            MapFunction<Long, T> points,
            Class<T> row,
            SerializableTimestampAssigner<T> eventTime,
            KeySelector<T, K> key,
            TypeInformation<K> keyType) {
        // Not DataGeneratorSource: also without a rate it wraps its reader in a RateLimitedSourceReader, which in Flink 2.3.0
        // says NOTHING_AVAILABLE after every row. SourceOperator.emitNext, which emits rows for as long as there are more,
        // then gives up after each, and asks for a new future.
        NumberSequenceSource source = new NumberSequenceSource(0, rows - 1);
        WatermarkStrategy<T> watermarks =
                WatermarkStrategy.<T>forMonotonousTimestamps().withTimestampAssigner(eventTime);
        environment
                .fromSource(source, WatermarkStrategy.noWatermarks(), "points")
                .map(points)
                .returns(Types.POJO(row))
                .assignTimestampsAndWatermarks(watermarks)
                .keyBy(key, keyType)
                .window(TumblingEventTimeWindows.of(window))
                .aggregate(new Count<>(), Types.LONG, Types.LONG)
                .name("windows")
                .sinkTo(new DiscardingSink<>());
    }
}
