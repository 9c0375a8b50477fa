import { takeLeast } from '../../../src/core/pool/select.ts';
import { randomFrom } from '../../../src/core/random.ts';

describe('takeLeast', () => {
  it('takes what sorting everything would have put first', () => {
    for (let seed = 1; seed <= 500; seed += 1) {
      const random = randomFrom(seed);
      const size = Math.floor(random() * 60);
      // Few different keys for some seeds, so that there are many equals.
      const keys = Array.from({ length: size }, () => Math.floor(random() * (seed % 2 === 0 ? 4 : 1e9)));
      const order = (a: number, b: number) => (keys[a] as number) - (keys[b] as number) || a - b;
      const count = Math.floor(random() * (size + 3));
      const all = Uint32Array.from(keys, (_, i) => i);
      expect([...takeLeast(all.slice(), count, order)]).toEqual([...all.sort(order)].slice(0, count));
    }
  });

  it('takes nothing of nothing', () => {
    expect([...takeLeast(new Uint32Array(0), 3, () => 0)]).toEqual([]);
    expect([...takeLeast(Uint32Array.of(1, 2), 0, (a, b) => a - b)]).toEqual([]);
  });
});
