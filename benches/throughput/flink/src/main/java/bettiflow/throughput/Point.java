package bettiflow.throughput;

/** A row: what our generator makes too. Public fields and the empty constructor make it a POJO with Flink's fast serializer. */
public class Point {
    public long key;
    /** Milliseconds. */
    public long eventTime;
    public double x;
    public double y;
    public double z;

    public Point() {}
}
