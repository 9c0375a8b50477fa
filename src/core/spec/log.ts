/** Reads `log_manager`: what becomes of a process's output (figure 14 of plush-toit.2011). */
import type { FdSpec, LogSpec } from '../../../api/spec.ts';
import { Names } from './names.ts';
import type { Problems } from './problems.ts';
import { booleanValue, sizeValue } from './quantities.ts';
import { LOG_SIZE } from './value-rule.ts';
import { attributeSetting, childrenNamed, enumValue, fail, insidePath, quoted } from './values.ts';
import type { XmlElement } from './xml-tree.ts';

/** Longest part of a file's name, on each side of the node's; with it the name must fit in 255 bytes. */
const MAX_PART_LENGTH = 512;

export function readLog(element: XmlElement, problems: Problems): LogSpec {
  enumValue(attributeSetting(element, 'type'), ['default'], problems);
  const useApi = booleanValue(attributeSetting(element, 'use_api'), problems);
  const taken = new Names('fd', problems, 'mention');
  const fds = childrenNamed(element, 'fd').flatMap((fd) => {
    const read = readFd(fd, problems);
    return read && taken.claim(String(read.fd), fd, 'fd') ? [read] : [];
  });
  return { type: 'default', use_api: useApi ?? true, fds };
}

function readFd(element: XmlElement, problems: Problems): FdSpec | undefined {
  const fd = enumValue(attributeSetting(element, 'fd'), ['1', '2'], problems);
  const type = enumValue(attributeSetting(element, 'type'), ['file', 'stream', 'discard'], problems);
  const prefixSetting = attributeSetting(element, 'path_prefix');
  const prefix = insidePath(prefixSetting, problems);
  const postfixSetting = attributeSetting(element, 'path_postfix');
  const postfix = postfixSetting?.value;
  if (postfixSetting && /[/\\]|\p{Cc}/u.test(postfixSetting.value)) {
    const message = `path_postfix ${quoted(postfixSetting.value)} has a slash or a control character in it`;
    fail(problems, 'BAD_VALUE', postfixSetting, message);
  }
  const bytesSetting = attributeSetting(element, 'max_bytes');
  const maxBytes = sizeValue(bytesSetting, LOG_SIZE, problems);
  for (const setting of [prefixSetting, postfixSetting]) {
    if (!setting) continue;
    if (setting.value.length > MAX_PART_LENGTH) {
      fail(
        problems,
        'TOO_LARGE',
        setting,
        `${setting.attribute} has more than ${MAX_PART_LENGTH} characters`,
      );
    }
    if (type === 'file' || type === undefined) continue;
    fail(problems, 'CONTRADICTION', setting, `${setting.attribute} is for type="file", but this is ${type}`);
  }
  if (bytesSetting && type === 'discard') {
    fail(
      problems,
      'CONTRADICTION',
      bytesSetting,
      'Nothing is kept of what is discarded: leave max_bytes out',
    );
  }
  if (fd === undefined || type === undefined) return undefined;
  return {
    fd: fd === '1' ? 1 : 2,
    type,
    ...(prefix !== undefined && { path_prefix: prefix }),
    ...(postfix !== undefined && { path_postfix: postfix }),
    ...(maxBytes !== undefined && { max_bytes: maxBytes }),
  };
}
