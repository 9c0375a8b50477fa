/** The log that drivers write to: facts for a machine, a sentence for a person. Satisfied by pino. */
export interface Log {
  debug(facts: object, message: string): void;
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}
