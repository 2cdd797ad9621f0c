package bettiflow.throughput;

/** The same row with a text key `key-N`, as our rows have. */
public class NamedPoint {
    public String key;
    /** Milliseconds. */
    public long eventTime;
    public double x;
    public double y;
    public double z;

    public NamedPoint() {}
}
