/**
 * Every ceiling that a peer can run into, in one place; limits.test.ts asserts the
 * relations between them.
 * Sizes are bytes, times milliseconds.
 */
export const limits = {
  /** One message of a client; larger ones close the connection with 1009. */
  messageBytesMax: 65_536,
  /** The body of an HTTP request to an instance. */
  httpBodyBytesMax: 1_048_576,
  /** The presence value of one connection. */
  presenceBytesMax: 4_096,
  /** One input of a client, as a message; and those that a connection has between two ticks. */
  inputBytesMax: 1_024,
  inputsPerTickMax: 64,
  /** The recorded result of one action. */
  resultBytesMax: 16_384,
  /** Characters of the sentence that says why an action was refused. */
  refusalCharsMax: 1_024,
  /** Actions of one client that have no acknowledged answer yet. */
  actionsOpenMax: 64,
  /** Clients whose results an instance remembers. */
  clientsRememberedMax: 10_000,
  /** How long a result is remembered. */
  resultKeptMs: 86_400_000,
  /** How long an async handler may hold the one turn. */
  turnMs: 10_000,
  /** Turns that wait for the one turn of an instance. */
  turnsWaitingMax: 1_024,
  /** Alarms of one key, the name of one as UTF-8, and what it carries. */
  alarmsMax: 1_000,
  alarmNameBytesMax: 128,
  alarmPayloadBytesMax: 16_384,
  /** An alarm whose handler failed is tried again after so long, doubled each time. */
  alarmRetryMsMin: 1_000,
  alarmRetryMsMax: 3_600_000,
  /** Keys that are started at the same time because an alarm is due. */
  wakesAtOnceMax: 8,
  /** Keys whose start for an alarm failed and that wait for the next try. */
  wakesFailedMax: 10_000,
  /** How often a backend may tick. */
  tickEveryMsMax: 60_000,
  /** What a connection carries for its backend. */
  attachmentBytesMax: 4_096,
  /** Promises that keep one instance awake. */
  keepAwakeMax: 1_024,
  /** Records of one instance on their way to the journal, and their bytes; turns wait above. */
  recordsUnwrittenMax: 256,
  recordBytesUnwrittenMax: 8_388_608,
  /** Bytes that a slow client may leave unsent before it is closed. */
  unsentBytesMax: 4_194_304,
  /** The same for a socket whose instance hibernates: it is sent next to nothing. */
  parkedUnsentBytesMax: 65_536,
  /** Connections of one instance, HTTP requests in flight included. */
  connectionsPerInstanceMax: 1_000,
  /** The same of one session, over all instances. */
  connectionsPerSessionMax: 50,
  /** The same of one server process, those still at the door included. */
  connectionsMax: 10_000,
  /** A server behind the door gives a client so long for the head of its request. */
  headersMs: 60_000,
  /** Header lines of a request to the door. */
  requestHeadersMax: 200,
  /** A grant in the header that takes it to an instance's HTTP server. */
  grantBytesMax: 8_192,
  /** Requests that wait for their instance, of one key and of all; how long they and sockets may. */
  requestsHeldPerInstanceMax: 500,
  requestsHeldMax: 5_000,
  heldMs: 20_000,
  /** How long the door remembers where an instance is after the last request to it. */
  locatedKeptMs: 50,
  /** An instance must begin its answer to a request, and to an upgrade, within this time. */
  answerMs: 300_000,
  handshakeMs: 10_000,
  /** Whoever takes no byte of what waits for them for so long is cut off. */
  stalledMs: 30_000,
  /** How long a way to an instance is kept open without a request. */
  poolIdleMs: 10_000,
  /** How long a ticket lives by default, and at most; and how many may wait to be used. */
  ticketMs: 30_000,
  ticketMsMax: 300_000,
  ticketsMax: 10_000,
  /** The rule `authorize` must answer within this time. */
  authorizeMs: 5_000,
  /** From the fork of a process to its word that it is ready. */
  startMs: 15_000,
  /** The same for a command, which may be a large program. */
  commandStartMs: 60_000,
  /** One look at whether a command answers. */
  readyAnswerMs: 2_000,
  /** From the hand-over of a socket to the word that it was adopted. */
  adoptMs: 2_000,
  /** From the word to close a connection to the cut of its socket by the host. */
  closeMs: 500,
  /** A refused client must take its close code within this time. */
  refusalMs: 2_000,
  /** From the word to stop to the kill of the process. */
  stopMs: 5_000,
  /** What a box holds in memory as files, in each of /tmp and /dev/shm. */
  boxTmpBytesMax: 67_108_864,
  /** A process with connections is asked this often whether it still answers. */
  beatEveryMs: 1_000,
  /** It may owe the answer for so long; then it counts as stuck. */
  stuckAfterMs: 5_000,
  /** A key whose instance ended against its will so often in a row is not started any more. */
  crashesMax: 10,
  /** What is kept of a process's output, for the log of its instances. */
  outputCharsKept: 65_536,
  /** Lines of one process that reach the log within a second; more are counted and dropped. */
  outputLinesPerSecondMax: 200,
  /** A longer line of output is cut. */
  outputLineCharsMax: 4_096,
  /** A process that was left by a dead host must be gone within this time after its kill. */
  leftoverMs: 5_000,
  /** From the word to drain to the kill of the host. */
  drainMs: 10_000,
  /** A question of the door to the host is answered within this time, or fails. */
  hostAnswerMs: 10_000,
  /** Questions of the door that the host has not answered yet. */
  hostAsksMax: 64,
  /** Instances that have ended and are still told of. */
  instancesEndedKept: 1_000,
  /** Changes of status that a follower may have missed. */
  statusChangesKept: 1_000,
  /** Followers of the status, and what each may leave unread before it is dropped. */
  statusFollowersMax: 100,
  statusUnsentBytesMax: 1_048_576,
  /** Time for the first message of a client after its handshake. */
  helloMs: 10_000,
  /** Records of a journal between two snapshots, and their bytes. */
  recordsPerSnapshot: 1_000,
  recordBytesPerSnapshot: 1_048_576,
  /** The frame of one turn: a turn that changes more fails. */
  frameBytesMax: 16_777_216,
  /** One record or snapshot of a journal; a larger state is recovered from its records alone. */
  recordBytesMax: 33_554_432,
  /** Entries, and their bytes, that the host writes in one transaction; it blocks meanwhile. */
  batchEntriesMax: 256,
  batchBytesMax: 4_194_304,
} as const
