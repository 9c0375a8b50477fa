import { isHarmless } from '../../../src/controller/harmless-fault.ts';

test.each([
  [1, `<class 'Exception'>:method "sendEvent" is not supported`],
  [1, 'Method sendEvent missing or wrong number of parameters!'],
  [300, 'Unknown method: sendEvent'],
  [4, "no such method `sendEvent'"],
  [1, 'Unknown method'],
  [0, 'No such handler: sendEvent'],
  [-506, "Method 'sendEvent' not defined"],
  [8001, 'procedure sendEvent not found'],
  [1, "<class 'TypeError'>:cannot marshal None unless allow_none is enabled"],
  [-32601, 'server error. requested method sendEvent not found'],
])('fault %j with %j is no reason to call again', (code, message) => {
  expect(isHarmless({ code, message })).toBe(true);
});

test.each([
  [1, "<class 'KeyError'>:'node-1'"],
  [1, "<class 'TypeError'>:sendEvent() takes 0 positional arguments but 1 was given"],
  [1, 'The method failed: no such file'],
  [-32603, 'Internal error'],
  [-32602, 'Invalid params'],
  [2, 'unknown host node-1'],
])('fault %j with %j is one', (code, message) => {
  expect(isHarmless({ code, message })).toBe(false);
});
