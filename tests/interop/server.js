// usage: server.js [PUBLIC_URL]: node-oidc-provider with the device flow, and the rest of rapyuta.io that a login
// needs. Listens on a free loopback port and prints its URL. PUBLIC_URL is the URL of the proxy in front of it.

import { createServer } from 'node:http';
import { randomBytes } from 'node:crypto';
import { Provider } from 'oidc-provider';

const EMAIL = 'ada@example.com';
const TOKEN = randomBytes(20).toString('hex');
const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code';
const CLIENTS = ['rio-cli', 'short-lived', 'slow'];

const API = {
  '/user/info': { data: { email: EMAIL } },
  '/v2/users/me/': {
    spec: { emailID: EMAIL, organizations: [{ guid: 'org-acme', name: 'Acme Robotics', shortGUID: 'acmer' }] },
  },
  '/v2/projects/': {
    metadata: { continue: 1 },
    items: [{ metadata: { guid: 'project-simulation', name: 'simulation' } }],
  },
};

const configuration = {
  clients: CLIENTS.map((client_id) => ({
    client_id,
    token_endpoint_auth_method: 'none',
    grant_types: [DEVICE_CODE],
    response_types: [],
    redirect_uris: [],
  })),
  features: { deviceFlow: { enabled: true }, devInteractions: { enabled: false } },
  ttl: { DeviceCode: (ctx, code, client) => (client.clientId === 'short-lived' ? 3 : 600) },
  claims: { openid: ['sub', 'rio_token'], email: ['email'] },
  // Puts the claims into the id_token, not only into the response of the userinfo endpoint.
  conformIdTokenClaims: false,
  cookies: { keys: [randomBytes(32).toString('hex')] },
  interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (ctx, accountId) => ({
    accountId,
    claims: () => ({ sub: accountId, email: EMAIL, rio_token: TOKEN }),
  }),
  // The user has consented to every client.
  async loadExistingGrant(ctx) {
    const { client, session, provider } = ctx.oidc;
    const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
    grant.addOIDCScope('openid email');
    await grant.save();
    return grant;
  },
};

async function respond(ctx, next) {
  if (ctx.path.startsWith('/interaction/')) {
    // The login page logs in every user.
    ctx.respond = false;
    return provider.interactionFinished(ctx.req, ctx.res, { login: { accountId: 'ada' } });
  }
  if (ctx.path in API) {
    const accepted = ctx.get('Authorization') === `Bearer ${TOKEN}`;
    ctx.status = accepted ? 200 : 401;
    ctx.body = accepted ? API[ctx.path] : { error: 'the token is not valid' };
    return;
  }
  await next();
  // node-oidc-provider never answers slow_down.
  if (ctx.oidc?.client?.clientId === 'slow' && ctx.body?.error === 'authorization_pending') {
    ctx.body.error = 'slow_down';
  }
}

const server = createServer();
let provider;
server.listen(0, '127.0.0.1', () => {
  const url = `http://127.0.0.1:${server.address().port}`;
  const [publicUrl] = process.argv.slice(2);
  provider = new Provider(publicUrl ?? url, configuration);
  // Trusts the X-Forwarded-Proto header of the proxy.
  provider.proxy = publicUrl !== undefined;
  provider.use(respond);
  server.on('request', provider.callback());
  console.log(url);
});
