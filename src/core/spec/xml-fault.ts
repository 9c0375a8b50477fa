/** Why a file is not read as XML at all. Reading stops at the first such fault. */
export class XmlFault extends Error {
  override readonly name = 'XmlFault';

  /**
   * @param code stable symbol
   * @param offset in the decoded text, in UTF-16 units
   * @param text what the offset counts in, where decoding itself failed
   */
  constructor(
    readonly code: 'NOT_XML' | 'TOO_LARGE' | 'TOO_DEEP',
    message: string,
    readonly offset: number,
    readonly text?: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
