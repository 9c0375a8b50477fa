import { BrokenDecision, decide, whole } from '../../../src/core/decide.ts';
import { emptyState } from '../../../src/core/state.ts';
import { Transaction } from '../../../src/core/transaction.ts';

const moment = { nowMs: 0, seed: 1 };

describe('a decision that ends with an error', () => {
  it('leaves the error as it is when nothing has changed', () => {
    const tx = new Transaction(emptyState(), moment);
    const error = new TypeError('No');
    const failing = () => {
      throw error;
    };
    expect(() => whole(tx, 'quit', failing)).toThrow(error);
    expect(() => decide(emptyState(), { type: 'remove_node', hostname: 'x' }, moment)).toThrow(
      expect.objectContaining({ symbol: 'NODE_NOT_FOUND' }),
    );
  });

  it('is broken when a fact has changed the state already, and keeps the error', () => {
    const state = emptyState();
    const tx = new Transaction(state, moment);
    const error = new TypeError('No');
    let thrown: unknown;
    try {
      whole(tx, 'quit', () => {
        tx.emit('quit_requested', {});
        throw error;
      });
    } catch (caught) {
      thrown = caught;
    }
    expect(thrown).toBeInstanceOf(BrokenDecision);
    expect(thrown).toMatchObject({ cause: error, message: 'The decision about quit broke off halfway: No' });
    expect(state.quitting).toBe(true);
  });
});
