package import Unrolling

/// What happened at one step, as TensorBoard's event files hold it.
///
/// Field numbers are those of event.proto, summary.proto and histogram.proto in
/// https://github.com/tensorflow/tensorboard/tree/master/tensorboard/compat/proto:
///
///     Event            1 wall_time double   2 step int64   3 file_version string
///                      5 summary Summary    7 session_log SessionLog
///     SessionLog       1 status enum (START = 1)
///     Summary          1 value repeated Value
///     Value            1 tag string   2 simple_value float   5 histo HistogramProto
///                      9 metadata SummaryMetadata
///     SummaryMetadata  1 plugin_data PluginData   3 summary_description string
///     PluginData       1 plugin_name string
///     HistogramProto   1 min  2 max  3 num  4 sum  5 sum_squares  double
///                      6 bucket_limit  7 bucket  repeated double, packed
package struct Event {
  private var message = ProtobufMessage()
  private var summary = ProtobufMessage()

  /// An event without content; the time in seconds since 1970.
  package init(time: Double, step: Int) {
    message.add(1, time)
    message.add(2, step)
  }

  /// The first event of every file.
  package static func fileVersion(time: Double) -> Event {
    var event = Event(time: time, step: 0)
    event.message.add(3, "brain.Event:2")
    return event
  }

  /// The start of a session: TensorBoard drops what earlier files have of this step and later ones.
  package static func start(time: Double, step: Int) -> Event {
    var event = Event(time: time, step: step)
    var session = ProtobufMessage()
    session.add(1, 1)
    event.message.add(7, session)
    return event
  }

  /// Adds a number; a description is wanted with the first value of a tag only.
  package mutating func add(_ tag: String, _ number: Double, description: String?) {
    var value = ProtobufMessage()
    value.add(1, tag)
    value.add(2, Float(number))
    add(value, plugin: "scalars", description)
  }

  /// Adds a histogram: bucket i counts the numbers from bucket_limit i - 1 to bucket_limit i.
  package mutating func add(_ tag: String, _ histogram: Histogram, description: String?) {
    let bins = histogram.bins
    var content = ProtobufMessage()
    content.add(1, Double(histogram.minimum))
    content.add(2, Double(histogram.maximum))
    content.add(3, Double(histogram.count))
    content.add(4, histogram.sum)
    content.add(5, histogram.sumOfSquares)
    content.add(6, bins.map(\.upperBorder))
    content.add(7, bins.map { Double($0.count) })
    var value = ProtobufMessage()
    value.add(1, tag)
    value.add(5, content)
    add(value, plugin: "histograms", description)
  }

  private mutating func add(
    _ value: ProtobufMessage, plugin: String, _ description: String?
  ) {
    var value = value
    if let description {
      var data = ProtobufMessage()
      data.add(1, plugin)
      var metadata = ProtobufMessage()
      metadata.add(1, data)
      metadata.add(3, description)
      value.add(9, metadata)
    }
    summary.add(1, value)
  }

  /// The event as a TFRecord: its length (uint64, little-endian), the length's masked CRC-32C, the
  /// message, the message's masked CRC-32C.
  package var record: [UInt8] {
    var whole = message
    if !summary.bytes.isEmpty { whole.add(5, summary) }
    let length = Self.littleEndian(UInt64(whole.bytes.count))
    return length + Self.littleEndian(CRC32C.masked(length)) + whole.bytes
      + Self.littleEndian(CRC32C.masked(whole.bytes))
  }

  private static func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }
}
