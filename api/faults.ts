/**
 * Every fault code, one number and one symbol each. Callers match on the symbol; the sentence is for people.
 * Numbers below 0 are the XML-RPC and JSON-RPC conventions (specification of fault code interoperability, JSON-RPC 2.0
 * section 5.1); numbers from 1000 are Plush's own and are never used again for something else.
 */
export interface FaultDefinition {
  readonly code: number;
  readonly meaning: string;
  /** What the caller can do; appended to the sentence. */
  readonly hint: string;
}

export const faults = {
  NOT_WELL_FORMED: { code: -32700, meaning: 'The body is not well formed', hint: '' },
  UNSUPPORTED_ENCODING: {
    code: -32701,
    meaning: 'The body is in an encoding that is not supported',
    hint: 'Send UTF-8.',
  },
  INVALID_CHARACTER: {
    code: -32702,
    meaning: 'The body holds a character outside XML',
    hint: 'Send such data as base64.',
  },
  INVALID_REQUEST: { code: -32600, meaning: 'The body is well formed but is no request', hint: '' },
  UNKNOWN_METHOD: {
    code: -32601,
    meaning: 'There is no such method',
    hint: 'system.listMethods() lists the methods.',
  },
  INVALID_PARAMETERS: {
    code: -32602,
    meaning: 'A parameter is missing, superfluous or of the wrong type',
    hint: '',
  },
  INTERNAL: {
    code: -32603,
    meaning: 'A defect of Plush; the log has the details under the id given',
    hint: '',
  },

  NODE_NOT_FOUND: {
    code: 1000,
    meaning: 'No node of that name is in the pool',
    hint: 'plushListNodes() lists the pool.',
  },
  INVALID_NODE: { code: 1001, meaning: "The node's description does not make sense", hint: '' },
  NO_NODES: {
    code: 1002,
    meaning: 'No node of the pool is meant',
    hint: 'plushListNodes() lists the pool with its groups.',
  },
  NODE_TAKEN: {
    code: 1003,
    meaning: 'A node of that name was added by somebody else',
    hint: 'A token with the scope broker alone changes only nodes that it added.',
  },
  TOO_MANY_NODES: {
    code: 1004,
    meaning: 'The bound on what the nodes of one token may take is reached',
    hint: 'Remove some first.',
  },
  APP_NOT_FOUND: {
    code: 1010,
    meaning: 'No application of that name is loaded',
    hint: 'plushListApps() lists them.',
  },
  NO_APP_LOADED: {
    code: 1011,
    meaning: 'No application has been loaded yet',
    hint: 'Call plushLoadApp or plushLoadAppXml first.',
  },
  APP_INVALID: {
    code: 1012,
    meaning: 'The specification has errors; all of them are in the sentence and in details',
    hint: '',
  },
  APP_OUTSIDE: {
    code: 1013,
    meaning: 'The file is not below the folder given by --apps',
    hint: 'Move it there, or send its text with plushLoadAppXml.',
  },
  APP_UNREADABLE: {
    code: 1014,
    meaning: 'The file is missing or cannot be read',
    hint: 'Correct its path, which counts from the folder given by --apps, or send its text with plushLoadAppXml.',
  },
  APP_NOT_RUNNABLE: {
    code: 1015,
    meaning: 'The specification has nothing to run',
    hint: 'Give it an application_block.',
  },
  APP_NOT_READ: {
    code: 1016,
    meaning:
      'The specification was not read to its end: that takes too long or too much memory, or too many others wait',
    hint: '',
  },
  RUN_NOT_FOUND: { code: 1020, meaning: 'There is no run of that id', hint: 'plushListRuns() lists them.' },
  RUN_ENDED: { code: 1021, meaning: 'The run is over', hint: 'plushListRuns() lists those under way.' },
  REQUEST_ID_REUSED: {
    code: 1022,
    meaning: 'The request_id was used for something else',
    hint: 'Use a new request_id.',
  },
  BLOCK_NOT_FOUND: {
    code: 1023,
    meaning: 'The run has no block of that name',
    hint: 'plushGetRun() lists its blocks.',
  },
  NOT_IN_RUN: {
    code: 1024,
    meaning: 'The node has no part in that run',
    hint: 'plushGetMatching() lists its nodes.',
  },
  NO_OUTPUT: {
    code: 1025,
    meaning: 'There is no output to read there yet',
    hint: 'plushGetRun() tells which tasks have begun.',
  },
  OUTPUT_UNREACHABLE: {
    code: 1026,
    meaning: 'The output is on a node that does not answer now',
    hint: 'It is brought back when the node returns; try again later.',
  },
  SUBJECT_NOT_FOUND: {
    code: 1027,
    meaning: 'That is neither a run nor a node',
    hint: 'plushListRuns() and plushListNodes() list them.',
  },
  BAD_URL: { code: 1030, meaning: 'The callback URL is not usable', hint: 'Give an http or https URL.' },
  URL_NOT_ALLOWED: {
    code: 1031,
    meaning: 'The callback URL leads to a host that is not allowed',
    hint: 'Start plushd with --callback-hosts to allow it.',
  },
  TOO_MANY_SUBSCRIBERS: {
    code: 1032,
    meaning: 'The bound on callback clients is reached',
    hint: 'End some with plushUnsubscribe.',
  },
  SUBSCRIPTION_NOT_FOUND: {
    code: 1033,
    meaning: 'There is no subscription of that id',
    hint: 'plushListSubscriptions() lists them.',
  },
  NO_RESOURCE_REQUEST: {
    code: 1040,
    meaning: 'The loaded application asks no resource service for anything',
    hint: 'plushCreateResources serves components with a shirako or usher element.',
  },
  RESOURCE_SERVICE_REFUSED: {
    code: 1041,
    meaning: 'A resource service could not be reached or refused the request',
    hint: '',
  },
  OPERATION_NOT_FOUND: {
    code: 1042,
    meaning: 'There is no operation of that id; the oldest ones are forgotten',
    hint: 'Ask for it sooner, or order it again.',
  },
  TOO_MANY_OPERATIONS: {
    code: 1043,
    meaning: 'The bound on operations under way is reached',
    hint: 'Wait for one to end.',
  },
  BAD_CURSOR: {
    code: 1050,
    meaning: 'The cursor does not come from this list',
    hint: 'Start again without a cursor.',
  },
  BARRIER_NOT_FOUND: {
    code: 1080,
    meaning: 'The application has no barrier of that name',
    hint: 'plushGetApp() shows its barriers.',
  },
  NOT_A_PARTICIPANT: {
    code: 1081,
    meaning: 'The node, or its task, takes no part in that barrier',
    hint: 'plushGetBarrier() lists who does.',
  },
  BARRIER_NOT_RELEASABLE: {
    code: 1082,
    meaning: 'A semaphore cannot be released as a whole',
    hint: 'Have a holder leave, or raise its concurrency.',
  },
  RUN_NOT_RELEASED: {
    code: 1083,
    meaning: 'The nodes of the run are still being prepared, or its application is being begun again',
    hint: 'Wait for the event run_released, or run_restarted.',
  },
  QUITTING: { code: 1060, meaning: 'The controller is stopping', hint: 'Start plushd again for more.' },
  TOO_LARGE: {
    code: 1061,
    meaning: 'The answer would be larger than clients accept, or the request takes more work than one may',
    hint: 'Ask for less at a time: a smaller page, or fewer calls in one request.',
  },
  FORBIDDEN: {
    code: 1070,
    meaning: 'The token may not do that',
    hint: 'Use a token with the right scope.',
  },
  RATE_LIMITED: {
    code: 1071,
    meaning: 'The token makes more calls than its rate allows',
    hint: 'Call again after that time.',
  },
  TOKEN_NOT_FOUND: {
    code: 1072,
    meaning: 'There is no token of that name',
    hint: 'plushListTokens() lists them.',
  },
  TOKEN_EXISTS: {
    code: 1073,
    meaning: 'There is a token of that name already',
    hint: 'Choose another name.',
  },
  TOO_MANY_TOKENS: { code: 1074, meaning: 'The bound on tokens is reached', hint: 'Revoke some.' },
  TOKENS_UNWRITABLE: {
    code: 1075,
    meaning: 'The file of the tokens cannot be written; nothing has changed',
    hint: 'Make room on the disk of the state folder, or mend its rights, and try again.',
  },
} as const satisfies Record<string, FaultDefinition>;

export type FaultSymbol = keyof typeof faults;
