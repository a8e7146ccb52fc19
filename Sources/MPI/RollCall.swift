import CMPI

/// Finds out which ranks do not answer, once one has waited in vain.
///
/// A rank whose time is up asks all others. Those that wait too answer out of their waiting, at
/// once; a rank that hangs, is gone, or is still computing does not. So the ranks that kept the
/// others waiting are named, with their hosts, and the one of lowest rank among the rest can speak
/// for all.
///
/// Uses messages without content on a communicator of its own: no collective, and nothing that would
/// have to be received by a rank that hangs. Costs nothing before it is needed but a look for
/// questions in long waits.
final class RollCall {
  // Written once, by the one thread that may call MPI.
  nonisolated(unsafe) static var current: RollCall?

  private let communicator: Communicator
  private let hosts: [String]
  private var present: Set<Int>
  private var isBusy = false

  /// A question, and an answer.
  private static let (question, answer): (Int32, Int32) = (1, 2)
  /// How long answers may take: many times what a waiting rank needs.
  private static let patience: UInt64 = 1_500_000_000

  /// Prepares for the ranks of a communicator, as a collective.
  init(of world: Communicator) throws(MPIError) {
    communicator = try world.duplicate()
    hosts = try world.allGather(Array(hostName().utf8)).map { String(decoding: $0, as: UTF8.self) }
    present = [world.rank]
  }

  /// Answers questions that have come in; called out of long waits.
  func answerQuestions() {
    guard !isBusy else { return }
    isBusy = true
    while let asker = received(Self.question) {
      present.insert(asker)
      send(Self.answer, to: asker)
    }
    isBusy = false
  }

  /// Asks all ranks and waits for their answers.
  ///
  /// - Returns: The ranks that did not answer, and this rank's place among those that did.
  func missing() -> (peers: [Peer], position: Int?) {
    isBusy = true
    for rank in hosts.indices where rank != communicator.rank { send(Self.question, to: rank) }
    let start = clock()
    while present.count < hosts.count, clock() &- start < Self.patience {
      while let other = received(Self.answer) { present.insert(other) }
      while let other = received(Self.question) {
        present.insert(other)
        send(Self.answer, to: other)
      }
      _ = CMPI_Sleep(1_000)
    }
    // What was sent last must leave this process.
    for _ in 0..<100 { _ = received(Self.answer) }
    let peers = hosts.indices.filter { !present.contains($0) }.map {
      Peer(rank: $0, host: hosts[$0])
    }
    return (peers, present.sorted().firstIndex(of: communicator.rank))
  }

  // MARK: - Messages without content. Errors are left out: a rank without an answer is missing.

  // Never waited for, since the other one may not receive: MPI keeps the copy of nothing.
  private func send(_ tag: Int32, to rank: Int) {
    var request = CMPI_Request_null()
    _ = CMPI_Isend(nil, 0, Int32(rank), tag, communicator.handle, &request)
    var done: Int32 = 0
    _ = CMPI_Testall(1, &request, &done)
  }

  private func received(_ tag: Int32) -> Int? {
    var (found, sender, count): (Int32, Int32, Int32) = (0, 0, 0)
    var message = CMPI_Message()
    let code = CMPI_Improbe(
      CMPI_Any_source(), tag, communicator.handle, &found, &message, &sender, &count)
    guard code == Int32(CMPI_SUCCESS), found != 0 else { return nil }
    var request = CMPI_Request_null()
    guard CMPI_Imrecv(nil, 0, &message, &request) == Int32(CMPI_SUCCESS) else { return nil }
    var done: Int32 = 0
    while done == 0, CMPI_Testall(1, &request, &done) == Int32(CMPI_SUCCESS) {}
    return Int(sender)
  }
}
