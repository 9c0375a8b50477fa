import { turns } from '../../../src/controller/turns.ts';

describe('turns', () => {
  it('go round among tokens, and among the requests of each, with everything else between them', async () => {
    const order: string[] = [];
    const work = async (token: string, request: object, name: string) => {
      for (let piece = 0; piece < 2; piece += 1) {
        await turns.next(token, request);
        order.push(name);
      }
    };
    let others = 0;
    const other = () => {
      others += 1;
      if (order.length < 8) setImmediate(other);
    };
    setImmediate(other);
    await Promise.all([
      work('many', {}, 'many 1'),
      work('many', {}, 'many 2'),
      work('many', {}, 'many 3'),
      work('one', {}, 'one'),
    ]);
    expect(order).toEqual(['many 1', 'one', 'many 2', 'one', 'many 3', 'many 1', 'many 2', 'many 3']);
    expect(others).toBeGreaterThanOrEqual(8);
    expect(turns.isWaiting('many')).toBe(false);
  });
});
