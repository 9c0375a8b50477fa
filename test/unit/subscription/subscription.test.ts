import { decodeState, encodeState } from '../../../src/core/snapshot.ts';
import { World } from '../../scenario/world.ts';

const order = {
  type: 'subscribe',
  url: 'http://127.0.0.1/',
  protocol: 'jsonrpc',
  details: true,
  signed: false,
  caller: 'ann',
  now: 7,
} as const;

const only = ({ state }: World) => [...state.subscriptions.values()];

describe('a subscription', () => {
  it('begins after the newest event, or where it was asked to', () => {
    const world = new World();
    world.submit(order);
    world.submit({ ...order, url: 'http://127.0.0.1/2', after: 3 });
    world.submit({ ...order, url: 'http://127.0.0.1/3', after: -1 });
    world.submit({ ...order, url: 'http://127.0.0.1/4', after: 0 });
    expect(only(world).map(({ after, placed }) => [after, placed])).toEqual([
      [7, 1],
      [3, 1],
      [7, 1],
      [0, 1],
    ]);
  });

  it('is described anew by the same caller with the same URL and protocol, and keeps its place unless given another', () => {
    const world = new World();
    world.submit({ ...order, topics: ['node'], credentials: 'x', signed: true });
    const [{ subscription_id } = { subscription_id: '' }] = only(world);
    world.submit({ type: 'suspend', subscription_id, message: 'It was away' });
    expect(only(world)).toMatchObject([{ suspended: { message: 'It was away' } }]);
    world.submit({ ...order, now: 20 });
    const { since: _since, ...described } = only(world)[0] ?? {};
    expect(described).toEqual({
      subscription_id,
      url: order.url,
      protocol: 'jsonrpc',
      details: true,
      signed: false,
      caller: 'ann',
      after: 7,
      placed: 1,
    });
    world.submit({ ...order, now: 20, after: -1 });
    expect(only(world)).toMatchObject([{ subscription_id, after: 20, placed: 2 }]);
  });

  it('is another one for another caller, URL or protocol', () => {
    const world = new World();
    world.submit(order);
    world.submit({ ...order, caller: 'bob' });
    world.submit({ ...order, protocol: 'xmlrpc' });
    world.submit({ ...order, url: 'http://127.0.0.1/x' });
    expect(new Set(only(world).map(({ subscription_id }) => subscription_id)).size).toBe(4);
  });

  it('is there again after a snapshot', () => {
    const world = new World();
    world.submit({ ...order, topics: ['run'] });
    world.submit({ type: 'register_client', url: 'http://127.0.0.1/', credentials: 'y' });
    expect(decodeState(encodeState(world.state))).toEqual(world.state);
  });

  it('leaves room for others when one caller has as many as it may', () => {
    const world = new World();
    const subscribe = (caller: string, i: number) =>
      world.submit({ ...order, caller, url: `http://127.0.0.1/${i}` });
    for (let i = 0; i < 250; i += 1) subscribe('ann', i);
    expect(subscribe('ann', 250)).toEqual(['! TOO_MANY_SUBSCRIBERS: ann has 250 subscriptions already']);
    for (let i = 0; i < 750; i += 1) subscribe(`bob-${i % 3}`, i);
    expect(subscribe('carl', 0)).toEqual(['! TOO_MANY_SUBSCRIBERS: There are 1000 subscriptions already']);
    // One that is there is described anew all the same.
    subscribe('ann', 3);
    expect(world.state.subscriptions.size).toBe(1000);
  });

  it('ends once, by the id that it or a classic client is listed under', () => {
    const world = new World();
    world.submit(order);
    world.submit({ type: 'register_client', url: 'http://127.0.0.1/c' });
    const [{ subscription_id } = { subscription_id: '' }] = only(world);
    const ids = [subscription_id, 'client:http://127.0.0.1/c'];
    for (const id of ids) world.submit({ type: 'unsubscribe', subscription_id: id });
    expect([world.state.subscriptions.size, world.state.clients.size]).toEqual([0, 0]);
    for (const id of ids)
      expect(world.submit({ type: 'unsubscribe', subscription_id: id })).toEqual([
        `! SUBSCRIPTION_NOT_FOUND: There is no subscription "${id}"`,
      ]);
    // Late news about it changes nothing.
    world.submit({ type: 'suspend', subscription_id, message: 'late' });
    expect(only(world)).toEqual([]);
  });
});
